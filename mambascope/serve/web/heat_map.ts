// Draws a heat map of a traced site: rows are tokens, columns are layers. The pointer and the arrow
// keys visit its cells. A click or Enter chooses one.
import {colourAt} from '../../figures/web/theme.js';

import {freshId, svgEl} from './dom';
import {number} from './text';

export interface HeatMapData {
  title: string;
  rows: string[];
  marked: [number, number];  // rows of the subject
  cells: (number|null)[][];  // [row][layer]
  ramp: string[];
  low: number;
  high: number;
  references: {value: number; text: string}[];  // marks beside the legend
  valueName: string;
  visit(row: number, layer: number): void;
  choose(row: number, layer: number): void;
}

const kHeight = 19, kLeft = 110, kTop = 24;

export class HeatMap {
  readonly root: SVGSVGElement;
  private readonly cursor: SVGElement;
  private readonly chosen: SVGElement;
  private readonly width: number;
  private readonly layers: number;
  private at: [number, number]|null = null;

  constructor(private readonly data: HeatMapData) {
    const {rows, cells} = data;
    this.layers = cells[0]?.length ?? 0;
    this.width = Math.max(6, Math.min(24, Math.floor(256 / Math.max(1, this.layers))));
    const width = kLeft + this.legendLength() + 6;
    const height = kTop + kHeight * rows.length + 70;
    this.root = svgEl('svg', {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      tabindex: 0,
      role: 'application',
      'aria-roledescription': 'heat map',
      'aria-label': `${data.title}. Heat map of ${rows.length} tokens and ${this.layers} layers. ` +
          'The arrow keys move through its cells. ' +
          'Enter shows what the cell\'s patched run predicts.',
    });
    this.root.append(svgEl('text', {x: 4, y: 15, class: 'map-title'}, data.title));
    this.drawCells();
    this.drawAxis();
    this.drawLegend();
    this.chosen = this.frame('chosen');
    this.cursor = this.frame('cursor');
    this.listen();
  }

  private frame(name: string): SVGElement {
    const made =
        svgEl('rect', {class: name, width: this.width, height: kHeight, visibility: 'hidden'});
    this.root.append(made);
    return made;
  }

  private place(frame: SVGElement, [row, layer]: [number, number]): void {
    frame.setAttribute('x', String(kLeft + this.width * layer));
    frame.setAttribute('y', String(kTop + kHeight * row));
    frame.setAttribute('visibility', 'visible');
  }

  private drawCells(): void {
    const {rows, cells, low, high, marked} = this.data;
    rows.forEach((row, r) => {
      const isMarked = r >= marked[0] && r < marked[1];
      const name = (isMarked ? '* ' : '') + row;
      this.root.append(svgEl(
          'text', {
            x: kLeft - 6,
            y: kTop + kHeight * (r + 0.7),
            'text-anchor': 'end',
            class: isMarked ? 'subject' : '',
          },
          name.length > 17 ? `${name.slice(0, 16)}\u2026` : name));
      for (let l = 0; l < this.layers; ++l) {
        const value = cells[r]?.[l] ?? null;
        const [x, y] = [kLeft + this.width * l, kTop + kHeight * r];
        const rect = svgEl('rect', {
          x,
          y,
          width: this.width,
          height: kHeight,
          'data-row': r,
          'data-layer': l,
          class: value === null ? 'missing' : 'cell'
        });
        if (value !== null)
          rect.setAttribute('fill', colourAt(this.data.ramp, (value - low) / (high - low || 1)));
        this.root.append(rect);
        if (value === null)  // a diagonal says "no value" in every colour scheme
          this.root.append(svgEl(
              'line', {x1: x, y1: y + kHeight, x2: x + this.width, y2: y, class: 'no-value'}));
      }
    });
    this.root.append(svgEl('rect', {
      x: kLeft,
      y: kTop,
      width: this.width * this.layers,
      height: kHeight * rows.length,
      class: 'map-frame'
    }));
  }

  private drawAxis(): void {
    const bottom = kTop + kHeight * this.data.rows.length, step = Math.ceil(22 / this.width);
    for (let l = 0; l < this.layers; l += step)
      this.root.append(svgEl(
          'text', {x: kLeft + this.width * (l + 0.5), y: bottom + 14, 'text-anchor': 'middle'},
          String(l)));
    this.root.append(svgEl(
        'text', {x: kLeft + this.width * this.layers / 2, y: bottom + 29, 'text-anchor': 'middle'},
        'layer'));
  }

  // The ramp with numbers, below the map. Numbers that would overlap an earlier one are left out.
  private drawLegend(): void {
    const {ramp, low, high, references, valueName} = this.data;
    const y = kTop + kHeight * this.data.rows.length + 40, length = this.legendLength();
    const id = freshId('ramp'), gradient = svgEl('linearGradient', {id});
    ramp.forEach(
        (colour, i) =>
            gradient.append(svgEl('stop', {offset: i / (ramp.length - 1), 'stop-color': colour})));
    this.root.append(
        gradient, svgEl('text', {x: kLeft - 6, y: y + 9, 'text-anchor': 'end'}, valueName),
        svgEl(
            'rect',
            {x: kLeft, y, width: length, height: 10, fill: `url(#${id})`, class: 'legend-frame'}));
    const used: [number, number][] = [];
    for (const {value, text} of [...references, {value: high, text: ''}, {value: low, text: ''}]) {
      const share = (value - low) / (high - low || 1), at = kLeft + length * share;
      const words = `${number(value, 3)} ${text}`.trim(), width = 6.5 * words.length;
      const begin = Math.min(Math.max(at - width / 2, kLeft - 4), kLeft + length - width);
      if (share < 0 || share > 1 || used.some(([a, b]) => begin < b + 6 && a < begin + width + 6))
        continue;
      used.push([begin, begin + width]);
      this.root.append(
          svgEl('line', {x1: at, x2: at, y1: y + 10, y2: y + 14, class: 'tick'}),
          svgEl('text', {x: begin + width / 2, y: y + 25, 'text-anchor': 'middle'}, words));
    }
  }

  private legendLength(): number {
    return Math.max(190, this.width * this.layers);
  }

  private cellOf(event: Event): [number, number]|null {
    const target = event.target as SVGElement;
    return target.dataset.row === undefined ?
        null :
        [Number(target.dataset.row), Number(target.dataset.layer)];
  }

  private go(row: number, layer: number): void {
    this.at = [
      Math.min(Math.max(row, 0), this.data.rows.length - 1),
      Math.min(Math.max(layer, 0), this.layers - 1)
    ];
    this.data.visit(...this.at);
  }

  // Outlines a cell, which may be visited in another map.
  point(row: number, layer: number): void {
    if (row < this.data.rows.length && layer < this.layers) this.place(this.cursor, [row, layer]);
  }

  // Outlines the chosen cell.
  mark(row: number, layer: number): void {
    if (row < this.data.rows.length && layer < this.layers) this.place(this.chosen, [row, layer]);
  }

  leave(): void {
    this.cursor.setAttribute('visibility', 'hidden');
  }

  private choose(): void {
    if (!this.at) return;
    this.place(this.chosen, this.at);
    this.data.choose(...this.at);
  }

  private listen(): void {
    this.root.addEventListener('pointermove', event => {
      const cell = this.cellOf(event);
      if (cell) this.go(...cell);
    });
    this.root.addEventListener('click', event => {
      const cell = this.cellOf(event);
      if (!cell) return;
      this.go(...cell);
      this.choose();
    });
    this.root.addEventListener('keydown', event => {
      const moves: Record<string, [number, number]> =
          {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
      const move = moves[event.key];
      if (!move && event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      if (move) this.go((this.at?.[0] ?? -move[0]) + move[0], (this.at?.[1] ?? -move[1]) + move[1]);
      else this.choose();
    });
  }
}
