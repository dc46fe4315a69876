// Draws the page's figures by the functions of theme.js. Each section holds its Vega-Lite specification as JSON. The script sets data-state
// of each section, and at the end that of the document's root, to "drawn" or "failed".
'use strict';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
let chosenDark = null;  // the button's choice; null: as the system
const isDark = () => chosenDark ?? systemDark.matches;

const specOf = section => JSON.parse(section.querySelector('script').textContent);

async function draw(section) {
  const plot = section.querySelector('.plot');
  try {
    section.figure?.finalize();
    section.figure = await drawFigure(plot, specOf(section), isDark());
    section.dataset.state = 'drawn';
  } catch (error) {
    plot.replaceChildren(Object.assign(document.createElement('div'), {className: 'error', textContent: `${section.id}: ${error}`}));
    section.dataset.state = 'failed';
  }
}

// The buttons that save a figure.
function addActions(section) {
  const asShown = Object.assign(document.createElement('input'), {type: 'checkbox'});
  const buttons = saveButtons(() => specOf(section), section.id, () => (asShown.checked ? section.figure.view : null));
  const label = document.createElement('label');
  label.append(asShown, ' as shown here, with the selection');
  section.querySelector('.actions').append(...buttons, label);
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
