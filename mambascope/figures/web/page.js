// Draws the page's figures. Each section holds its Vega-Lite specification as JSON. The script sets data-state of each section, and at the
// end that of the document's root, to "drawn" or "failed".
'use strict';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
let chosenDark = null;  // the button's choice; null: as the system
const isDark = () => chosenDark ?? systemDark.matches;

function withDark(spec, dark) {
  const params = spec.params?.map(param => (param.name === 'dark' ? {...param, value: dark} : param));
  return params ? {...spec, params} : spec;
}

const specOf = section => JSON.parse(section.querySelector('script').textContent);

// How vega-embed draws a figure.
function embedOptions(dark) {
  return {
    mode: 'vega-lite',
    renderer: 'svg',
    ast: true,  // expressions are interpreted, so the page can forbid eval
    defaultStyle: false,
    actions: false,
    tooltip: {theme: dark ? 'dark' : 'light'},
    config: theme(dark),
  };
}

async function draw(section) {
  const plot = section.querySelector('.plot');
  try {
    section.figure?.finalize();
    section.figure = await vegaEmbed(plot, withDark(specOf(section), isDark()), embedOptions(isDark()));
    section.dataset.state = 'drawn';
  } catch (error) {
    plot.replaceChildren(Object.assign(document.createElement('div'), {className: 'error', textContent: `${section.id}: ${error}`}));
    section.dataset.state = 'failed';
  }
}

// A picture of the figure as a URL: as it is shown, or for white paper and without helpers.
async function picture(section, type, asShown) {
  const scale = type === 'png' ? 3 : 1;
  if (asShown) return section.figure.view.toImageURL(type, scale);
  const figure = await vegaEmbed(document.createElement('div'), withoutHelpers(specOf(section)), embedOptions(false));
  const url = await figure.view.toImageURL(type, scale);
  figure.finalize();
  return url;
}

// A button that saves what makeUrl returns, or promises.
function saveButton(section, text, ending, makeUrl) {
  const button = Object.assign(document.createElement('button'), {type: 'button', textContent: text});
  button.addEventListener('click', async () => {
    const href = await makeUrl();
    Object.assign(document.createElement('a'), {href, download: `${specOf(section).name || section.id}.${ending}`}).click();
    if (href.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(href));
  });
  return button;
}

// The buttons that save a figure.
function addActions(section) {
  const asShown = Object.assign(document.createElement('input'), {type: 'checkbox'});
  const blob = (type, text) => URL.createObjectURL(new Blob([text], {type}));
  const buttons = ['svg', 'png'].map(
      type => saveButton(section, `Save ${type.toUpperCase()}`, type, () => picture(section, type, asShown.checked)));
  buttons.push(saveButton(section, 'Save Vega-Lite', 'vl.json', () => blob('application/json', JSON.stringify(specOf(section), null, 1))));
  const table = specOf(section).usermeta?.table;
  if (table) buttons.push(saveButton(section, 'Save CSV', 'csv', () => blob('text/csv', csv(table))));
  const label = document.createElement('label');
  label.append(asShown, ' as shown here, with the selection');
  section.querySelector('.actions').append(...buttons, label);
}

// The numbers behind a figure as CSV (RFC 4180).
function csv({columns, rows}) {
  const cell = value => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map(row => row.map(cell).join(',') + '\r\n').join('');
}

const sections = [...document.querySelectorAll('section')];

async function drawAll() {
  for (const section of sections) {
    await draw(section);
    await new Promise(resolve => setTimeout(resolve));  // lets the browser show this figure before the next one is drawn
  }
  const failed = sections.some(section => section.dataset.state === 'failed');
  document.documentElement.dataset.state = failed ? 'failed' : 'drawn';
}

// The page shows the text of a specification only on demand, because it can be longer than the rest of the page.
for (const section of sections) {
  addActions(section);
  section.querySelector('.specification').addEventListener('toggle', event => {
    event.target.querySelector('pre').textContent = JSON.stringify(specOf(section), null, 1);
  }, {once: true});
}

document.querySelector('#theme').addEventListener('click', () => {
  chosenDark = !isDark();
  document.documentElement.style.colorScheme = chosenDark ? 'dark' : 'light';
  redraw();
});
systemDark.addEventListener('change', redraw);
drawAll();

function redraw() {
  document.dispatchEvent(new Event('themechange'));
  drawAll();
}
