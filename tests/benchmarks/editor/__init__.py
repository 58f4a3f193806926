"""From click to pixels in the real editor: ``python -m tests.benchmarks.editor``.

The real Label Studio, ``ihp serve`` and a headless Chromium; a simulated annotator clicks. A click's time is split:

- ``page``: from the press of the mouse until the page asks, with all that Label Studio's page does in between. After a
  keypoint it waits for nothing (a timer of 0 ms; after a brush stroke it would be 1.2 s).
- ``label_studio``: from the page's question until its answer is there, without what follows.
- ``recorder``: what the measuring itself costs there; it stands between Label Studio and backend and keeps their times.
- ``backend``: from Label Studio's question to the backend's whole answer, HTTP included, without the model.
- ``model``: asking the network, as the backend's ``Server-Timing`` header says.
- ``painting``: from the answer until the last change of the canvas is on the screen.
"""
