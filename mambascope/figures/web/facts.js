// The fact browser of a report: a list of traced facts, and the chosen fact's heat map at every traced site. The data is the JSON of
// fact_browser.h. All texts of the data become text nodes, never markup.
'use strict';

(() => {
const root = document.querySelector('#facts');
if (!root) return;
const data = JSON.parse(root.querySelector('script').textContent);
const kShown = 500;  // facts that the list holds at once

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function svgElement(name, attributes = {}, text = '') {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const number = value => (value === null || value === undefined ? 'no value' : Number(value.toPrecision(3)).toString());
const visible = text => text.replace(/ /g, '\u00b7').replace(/\n/g, '\u21b5') || '\u00b7';

// The colours of values from `low` to `high`, which `name` names.
function legend(svg, {left, top, ramp, low, high, name}) {
  const steps = 32, width = 160;
  svg.append(svgElement('text', {x: left - 6, y: top + 9, 'text-anchor': 'end'}, name));
  for (let i = 0; i < steps; ++i)
    svg.append(svgElement('rect', {x: left + width * i / steps, y: top, width: width / steps + 0.5, height: 10, fill: colourAt(ramp, (i + 0.5) / steps)}));
  svg.append(svgElement('text', {x: left, y: top + 23}, number(low)),
             svgElement('text', {x: left + width, y: top + 23, 'text-anchor': 'end'}, number(high)));
}

// A heat map: rows of cells, which the arrow keys and the pointer visit. `say` tells what a cell is.
function heatMap({title, rows, layers, cells, ramp, low, high, value, marked, say, show}) {
  const cell = {width: Math.max(6, Math.min(16, Math.floor(384 / layers.length))), height: 20};
  const left = 124, top = 26;
  const width = left + Math.max(cell.width * layers.length, 160) + 8, height = top + cell.height * rows.length + 70;
  const svg = svgElement('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, tabindex: 0, role: 'img',
    'aria-label': `${title}. Heat map of ${rows.length} tokens and ${layers.length} layers. The arrow keys move through its cells.`
  });
  svg.append(svgElement('text', {x: 4, y: 16, class: 'map-title'}, title));
  const step = Math.ceil(20 / cell.width);
  rows.forEach((row, r) => {
    const name = (marked(r) ? '* ' : '') + row;
    svg.append(svgElement('text', {x: left - 6, y: top + cell.height * (r + 0.68), 'text-anchor': 'end', class: marked(r) ? 'subject' : ''},
                          name.length > 19 ? `${name.slice(0, 18)}\u2026` : name));
    layers.forEach((layer, l) => {
      const found = cells[r]?.[l] ?? null;
      const rect = svgElement('rect', {x: left + cell.width * l, y: top + cell.height * r, width: cell.width, height: cell.height});
      if (found === null) rect.setAttribute('class', 'missing');
      else rect.setAttribute('fill', colourAt(ramp, (found - low) / (high - low)));
      rect.cell = [r, l];
      svg.append(rect);
    });
  });
  layers.forEach((layer, l) => {
    if (l % step === 0)
      svg.append(svgElement('text', {x: left + cell.width * (l + 0.5), y: top + cell.height * rows.length + 14, 'text-anchor': 'middle'}, layer));
  });
  svg.append(svgElement('text', {x: left, y: top + cell.height * rows.length + 30}, 'layer'));
  legend(svg, {left, top: height - 26, ramp, low, high, name: value});
  const cursor = svgElement('rect', {class: 'cursor', width: cell.width, height: cell.height, visibility: 'hidden'});
  svg.append(cursor);
  let at = null;
  const go = (r, l) => {
    at = [Math.min(Math.max(r, 0), rows.length - 1), Math.min(Math.max(l, 0), layers.length - 1)];
    cursor.setAttribute('x', left + cell.width * at[1]);
    cursor.setAttribute('y', top + cell.height * at[0]);
    cursor.setAttribute('visibility', 'visible');
    show(say(rows[at[0]], layers[at[1]], cells[at[0]]?.[at[1]] ?? null));
  };
  svg.addEventListener('pointermove', event => event.target.cell && go(...event.target.cell));
  svg.addEventListener('keydown', event => {
    const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
    if (!moves[event.key]) return;
    event.preventDefault();
    const [down, right] = at ? moves[event.key] : [0, 0];
    go((at?.[0] ?? 0) + down, (at?.[1] ?? 0) + right);
  });
  return svg;
}

const search = element('input', {type: 'search', id: 'facts-search', placeholder: 'Search prompts and answers'});
const relation = element('select', {id: 'facts-relation'}, element('option', {value: '', textContent: 'all relations'}));
for (const name of [...new Set(data.facts.map(fact => fact.relation))].sort())
  if (name) relation.append(element('option', {value: name, textContent: name}));
const order = element('select', {id: 'facts-order'},
                      element('option', {value: 'effect', textContent: 'largest effect first'}),
                      element('option', {value: 'small', textContent: 'smallest effect first'}),
                      element('option', {value: 'data', textContent: 'as in the data'}));
const list = element('select', {id: 'facts-list', size: 10});
const count = element('p', {className: 'count', role: 'status'});
const detail = element('div', {className: 'detail'});
const labelled = (text, control) => element('label', {}, `${text} `, control);
root.append(
    element('div', {className: 'controls'}, labelled('Search', search), labelled('Relation', relation), labelled('Order', order)),
    labelled('Fact', list), count, detail);

const textOf = fact => `${fact.prompt} \u2192 ${fact.answer.trim()}`;

// What the list holds: the facts that match, in the chosen order.
function fillList() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = data.facts.map((fact, index) => ({fact, index})).filter(({fact}) => {
    const text = `${textOf(fact)} ${fact.corrupt}`.toLowerCase();
    return (!relation.value || fact.relation === relation.value) && words.every(word => text.includes(word));
  });
  if (order.value !== 'data') {
    const sign = order.value === 'effect' ? -1 : 1;
    matches.sort((a, b) => sign * (a.fact.effect - b.fact.effect) );
  }
  const chosen = list.value;
  list.replaceChildren(...matches.slice(0, kShown).map(({fact, index}) => element('option', {
    value: String(index), textContent: `${textOf(fact)}  (effect ${number(fact.effect)})`
  })));
  count.textContent = `${matches.length} of ${data.facts.length} facts. The effect is the largest drop of ${data.value} from the clean run to the corrupted run.` + (matches.length > kShown ? ` The first ${kShown} are listed.` : '');
  if ([...list.options].some(option => option.value === chosen)) list.value = chosen;
  else list.selectedIndex = matches.length ? 0 : -1;
  showFact();
}

// The tokens of a prompt, the subject marked.
function tokenLine(fact) {
  const line = element('p', {className: 'tokens'});
  fact.tokens.forEach((token, t) => {
    const isSubject = t >= fact.subject[0] && t < fact.subject[1];
    line.append(element(isSubject ? 'mark' : 'span', {textContent: visible(token)}));
  });
  return line;
}

function showFact() {
  const fact = data.facts[Number(list.value)];
  if (!list.value || !fact) {
    detail.replaceChildren(element('p', {textContent: 'No fact matches.'}));
    return;
  }
  const status = element('p', {className: 'cell', role: 'status', textContent: 'Point at a cell, or choose a map and use the arrow keys.'});
  const show = text => { status.textContent = text; };
  const maps = element('div', {className: 'maps'}), averages = element('div', {className: 'maps'});
  const dark = isDark();
  const isSubject = r => r >= fact.subject[0] && r < fact.subject[1];
  data.panels.forEach((panel, p) => {
    const own = fact.panels[p], common = {layers: panel.layers, ramp: dark ? panel.ramp_on_black : panel.ramp, low: 0, show};
    if (own)
      maps.append(heatMap({
        ...common, title: panel.name, value: data.value, rows: fact.tokens.map(visible), cells: own.cells, high: Math.max(own.clean, 1e-6), marked: isSubject,
        say: (token, layer, value) => `${panel.name}: with ${token} restored in layer ${layer}, ${data.value} is ${number(value)}` +
            ` (clean ${number(own.clean)}, corrupted ${number(own.corrupted)}).`
      }));
    if (panel.average.length)
      averages.append(heatMap({
        ...common, title: panel.name, value: 'mean IE', rows: panel.rows, cells: panel.average, high: 1, marked: () => false,
        say: (row, layer, value) => `${panel.name}: the average indirect effect at ${row} in layer ${layer} is ${number(value)}.`
      }));
  });
  detail.replaceChildren(element('h3', {textContent: textOf(fact)}), tokenLine(fact),
                         element('p', {textContent: `Corrupted by ${fact.corrupt}${fact.relation ? `; relation ${fact.relation}` : ''}.`}), status, maps);
  if (averages.childElementCount)
    detail.append(element('h3', {textContent: 'Averages over facts'}), averages);
}

search.addEventListener('input', fillList);
relation.addEventListener('change', fillList);
order.addEventListener('change', fillList);
list.addEventListener('change', showFact);
document.addEventListener('themechange', showFact);
fillList();
root.dataset.state = 'drawn';
})();
