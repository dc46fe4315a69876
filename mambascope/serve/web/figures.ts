// Draws the server's Vega-Lite figures and tables as report pages do.
import {drawFigure, saveButtons} from '../../figures/web/theme.js';

import {Figure, Result, Table} from './api';
import {el, scrollHint} from './dom';
import {isDark, onTheme} from './theme';

function titleOf(spec: Record<string, unknown>): unknown {
  const title = spec.title as {text?: unknown} | string | undefined;
  const text = typeof title === 'object' ? title?.text : title;
  return Array.isArray(text) ? text.join(' ') : text;  // lines of a long title
}

// The figure libraries are loaded after this script, so that the page is there before them.
const libraries = document.readyState === 'complete' ?
    Promise.resolve() :
    new Promise<unknown>(resolve => addEventListener('load', resolve, {once: true}));

interface Embedded {
  finalize(): void;
}

class Plot {
  readonly root: HTMLElement;
  private readonly host = el('div', {className: 'plot'});
  private readonly hint = el('div');
  private embedded: Embedded|null = null;
  private turn = 0;

  constructor(private readonly figure: Figure) {
    const heading = el('h3', {textContent: figure.heading});
    // The picture itself says it, too.
    if (titleOf(figure.spec) === figure.heading) heading.className = 'off-screen';
    this.root =
        el('section', {className: 'figure'}, heading, this.host, this.hint,
           el('p', {className: 'caption', textContent: figure.caption}),
           el('div', {className: 'figure-actions'},
              ...saveButtons(() => figure.spec, 'figure') as HTMLElement[]));
    this.host.tabIndex = 0;  // so that the arrow keys scroll it
    this.host.role = 'group';
    this.host.ariaLabel = figure.heading;
  }

  async draw(): Promise<void> {
    const turn = ++this.turn, fresh = el('div');
    await libraries;
    const embedded = await drawFigure(fresh, this.figure.spec, isDark()) as Embedded;
    if (turn !== this.turn) {
      embedded.finalize();
      return;
    }
    this.embedded?.finalize();
    this.embedded = embedded;
    this.host.replaceChildren(fresh);
    this.hint.replaceChildren(scrollHint(this.host, fresh));
  }

  finalize(): void {
    ++this.turn;
    this.embedded?.finalize();
  }
}

// What was run and found, as lines of a description list.
export const summaryLines = ({summary}: Result): HTMLElement[] => summary.flatMap(
    ([name, value]) => [el('dt', {textContent: name}), el('dd', {textContent: value})]);

function tableElement(table: Table): HTMLElement {
  const head =
      el('tr', {}, ...table.columns.map(text => el('th', {scope: 'col', textContent: text})));
  const rows = table.rows.map(
      row =>
          el('tr', {className: row.is_marked ? 'marked' : ''},
             ...row.cells.map(text => el('td', {textContent: text}))));
  const content = el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows));
  const scroller = el(
      'div', {className: 'table', tabIndex: 0, role: 'group', ariaLabel: table.heading}, content);
  return el(
      'section', {className: 'figure'}, el('h3', {textContent: table.heading}),
      el('p', {className: 'caption', textContent: table.caption}), scroller,
      scrollHint(scroller, content));
}

// A place for figures. Figures are drawn before they replace the earlier ones, so nothing flickers.
export class Figures {
  readonly root = el('div', {className: 'figures'});
  private plots: Plot[] = [];
  private turn = 0;

  constructor() {
    onTheme(() => {
      if (this.root.isConnected) this.plots.forEach(plot => void plot.draw());
    });
  }

  // Returns false if others were shown meanwhile, or `stop` was called.
  async show(figures: Figure[], tables: Table[] = []): Promise<boolean> {
    const turn = ++this.turn, dark = isDark(), plots = figures.map(figure => new Plot(figure));
    for (const plot of plots) await plot.draw();
    if (turn !== this.turn) {
      plots.forEach(plot => plot.finalize());
      return false;
    }
    this.clear();
    this.plots = plots;
    this.root.append(...plots.map(plot => plot.root), ...tables.map(tableElement));
    if (dark !== isDark()) plots.forEach(plot => void plot.draw());
    return true;
  }

  // What is being drawn will not be shown.
  stop(): void {
    ++this.turn;
  }

  clear(): void {
    ++this.turn;
    this.plots.forEach(plot => plot.finalize());
    this.plots = [];
    this.root.replaceChildren();
  }
}
