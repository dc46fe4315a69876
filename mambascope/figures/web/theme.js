// What figures of pages (page.js) and of Node.js (render.js) share: the colours, and what saved pictures leave out.
'use strict';

// Colours of axes, titles and legends. A figure's specification itself holds the colours of its marks.
function theme(dark) {
  const [paper, ink, soft, line] = dark ? ['#17171a', '#e6e6ea', '#b4b4bd', '#34343a'] : ['#ffffff', '#1c1c20', '#50505a', '#e8e8ec'];
  return {
    background: paper,
    title: {color: ink, subtitleColor: soft},
    axis: {labelColor: ink, titleColor: soft, gridColor: line, domainColor: line, tickColor: line},
    legend: {labelColor: ink, titleColor: soft},
    header: {labelColor: ink},
  };
}

// The specification without the views and layers that only show what is selected on the screen.
function withoutHelpers(spec) {
  const kept = {};
  for (const key of ['layer', 'vconcat', 'hconcat', 'concat'])
    if (spec[key]) kept[key] = spec[key].filter(part => !part.name?.startsWith('helper')).map(withoutHelpers);
  return {...spec, ...kept};
}

// The page of `mambascope serve` imports this file; a page that holds it as a script has no `module`.
if (typeof module === 'object') module.exports = {theme, withoutHelpers};
