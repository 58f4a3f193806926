"""What is asked of the editor's page, as JavaScript."""

# The editor exposes its store as window.Htx; the image is ready when its own size is known.
READY = """() => {
  const image = window.Htx?.annotationStore?.selected?.objects?.[0];
  return Boolean(image?.stageRef) && image.naturalWidth > 1;
}"""
POSITION = """([x, y]) => {
  const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
  const corner = stage.container().getBoundingClientRect();
  const point = stage.getAbsoluteTransform().point({x: x / 100 * image.stageWidth, y: y / 100 * image.stageHeight});
  return [corner.left + point.x, corner.top + point.y];
}"""
# Masks at hand: suggestions not accepted yet, or regions of the annotation; clicks are regions, too, and left out.
LABELS = """(suggested) => {
  const annotation = Htx.annotationStore.selected;
  return [...(suggested ? annotation.suggestions : annotation.areas).values()]
    .filter(region => region.type !== 'keypointregion')
    .flatMap(region => region.results.flatMap(result => result.mainValue)).sort();
}"""

CLICKS = """() => [...Htx.annotationStore.selected.areas.values()]
  .filter(region => region.type === 'keypointregion').flatMap(region => region.labels)"""

SCORES = """() => [...document.querySelectorAll('.lsf-outliner-item')]
  .map(item => [item.querySelector('.lsf-outliner-item__title')?.innerText,
                item.querySelector('.lsf-outliner-item__control_type_score')?.innerText])
  .filter(([label, score]) => label && score).map(([label, score]) => [label.trim(), Number(score)])"""

# On every suggestion lie a cross and a tick, in the order of the suggestions; the dots of clicks are smaller.
TICK = """(label) => {
  const annotation = Htx.annotationStore.selected, stage = annotation.objects[0].stageRef;
  const number = [...annotation.suggestions.values()].findIndex(region => region.labels.includes(label));
  const tick = stage.find('Circle').filter(circle => circle.radius() > 10)[2 * number + 1].getAbsolutePosition();
  const corner = stage.container().getBoundingClientRect();
  return [corner.left + tick.x, corner.top + tick.y];
}"""

# Labels of all tags that are chosen, the hidden ones included: what the next region would be called.
CHOSEN = """() => [...Htx.annotationStore.selected.names.values()]
  .flatMap(tag => (tag.selectedLabels ?? []).map(label => `${tag.name}: ${label._value}`))"""
