#!/bin/sh
# Makes the secrets of compose.team.yaml that are not there yet: sh docker/team-secrets.sh NAME
# NAME is that by which annotators reach this machine. Without a certificate of yours it gets one of its own.
set -eu
name="${1:?give the name by which annotators reach this machine, such as studio.example.com}"
folder="$(dirname "$0")/secrets"
mkdir -p -m 700 "$folder"
cd "$folder"

secret() { [ -e "$1" ] || openssl rand -hex 20 >"$1"; }
for one in label_studio_password label_studio_token label_studio_database_password ihp_database_password \
    postgresql_password storage_password grafana_password monitoring_password; do
    secret "$one"
done
if [ ! -e backend_credentials ]; then
    # Label Studio's address and token are given to the backends, so that it needs no right to tell them.
    printf '{\n "label studio": {"secret": "%s", "rights": ["predict", "teach"]},\n' "$(openssl rand -hex 20)" >.new
    printf ' "monitoring": {"secret": "%s", "rights": ["look"]}\n}\n' "$(cat monitoring_password)" >>.new
    mv .new backend_credentials
fi
if [ ! -e tls_certificate ] && [ ! -e tls_key ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
        -keyout tls_key -out tls_certificate 2>/dev/null
    echo "tls_certificate: made by this script, so that browsers warn of it; put yours, and its tls_key, in its place"
fi
# The folder is closed; containers see the files with the owner that they have outside.
chmod 644 ./*
echo "the secrets are in $(pwd)"
