// What report pages (page.js), the page of `mambascope serve` (figures.ts) and Node.js (render.js) share: colours, how a page draws and
// saves a figure, and what saved pictures leave out. Only theme, colourAt and withoutHelpers work without a browser.
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

// The colour of a share from 0 to 1 on a ramp of #rrggbb colours.
function colourAt(ramp, share) {
  const at = Math.min(Math.max(share, 0), 1) * (ramp.length - 1), low = Math.min(Math.floor(at), ramp.length - 2);
  const channel = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map(i => Math.round(channel(ramp[low], i) * (low + 1 - at) + channel(ramp[low + 1], i) * (at - low)));
  return `rgb(${mixed.join(' ')})`;
}

// The specification without the views and layers that only show what is selected on the screen.
function withoutHelpers(spec) {
  const kept = {};
  for (const key of ['layer', 'vconcat', 'hconcat', 'concat'])
    if (spec[key]) kept[key] = spec[key].filter(part => !part.name?.startsWith('helper')).map(withoutHelpers);
  return {...spec, ...kept};
}

function withDark(spec, dark) {
  const params = spec.params?.map(param => (param.name === 'dark' ? {...param, value: dark} : param));
  return params ? {...spec, params} : spec;
}

// Draws a figure in an element. The promise is of vega-embed's result.
function drawFigure(host, spec, dark) {
  return vegaEmbed(host, withDark(spec, dark), {
    mode: 'vega-lite',
    renderer: 'svg',
    ast: true,  // expressions are interpreted, so the page can forbid eval
    defaultStyle: false,
    actions: false,
    tooltip: {theme: dark ? 'dark' : 'light'},
    config: theme(dark),
  });
}

// A picture of a figure as a URL: of the view on the screen, or without one for white paper and without helpers.
async function picture(spec, type, shown) {
  const scale = type === 'png' ? 3 : 1;
  if (shown) return shown.toImageURL(type, scale);
  const figure = await drawFigure(document.createElement('div'), withoutHelpers(spec), false);
  const url = await figure.view.toImageURL(type, scale);
  figure.finalize();
  return url;
}

// The numbers behind a figure as CSV (RFC 4180).
function csv({columns, rows}) {
  const cell = value => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map(row => row.map(cell).join(',') + '\r\n').join('');
}

// A button that saves what makeUrl returns, or promises, as a file.
function saveButton(text, fileName, makeUrl) {
  const button = Object.assign(document.createElement('button'), {type: 'button', textContent: text});
  button.addEventListener('click', async () => {
    const href = await makeUrl();
    Object.assign(document.createElement('a'), {href, download: fileName}).click();
    if (href.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(href), 1000);
  });
  return button;
}

// The buttons that save a figure, named as its specification, or else `name`. If shownView returns a view, pictures are of that view.
function saveButtons(specOf, name, shownView = () => null) {
  const {name: ownName, usermeta} = specOf();
  const button = (text, ending, makeUrl) => saveButton(text, `${ownName || name}.${ending}`, makeUrl);
  const blob = (type, text) => URL.createObjectURL(new Blob([text], {type}));
  const buttons = ['svg', 'png'].map(type => button(`Save ${type.toUpperCase()}`, type, () => picture(specOf(), type, shownView())));
  buttons.push(button('Save Vega-Lite', 'vl.json', () => blob('application/json', JSON.stringify(specOf(), null, 1))));
  if (usermeta?.table) buttons.push(button('Save CSV', 'csv', () => blob('text/csv', csv(specOf().usermeta.table))));
  return buttons;
}

// The page of `mambascope serve` imports this file; a page that holds it as a script has no `module`.
if (typeof module === 'object') module.exports = {theme, colourAt, withoutHelpers, drawFigure, saveButtons};
