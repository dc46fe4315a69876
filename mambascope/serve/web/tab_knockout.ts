// Stops target tokens from reading source tokens in a window of layers. Sets of tokens have names,
// or are chosen in a strip.
import {chips, Control, group, option, select, slider} from './controls';
import {el} from './dom';
import {factWords, missing} from './fact';
import {FigureView} from './figure_view';
import {areCurrent, tokensOf} from './prompt_tokens';
import {change, changePane, modelOf, models, PaneState, state} from './state';
import {Tab} from './tab';
import {plural, tokenText} from './text';
import {TokenStrip} from './tokens';

const kSets = [
  'subject', 'subject_first', 'subject_last', 'relation', 'relation_minus_last', 'context',
  'non_subject', 'first', 'last', 'all'
];

// '0,3-5' as numbers, and back.
function parseSet(text: string): Set<number> {
  const tokens = new Set<number>();
  for (const part of text.split(',').filter(Boolean)) {
    const [first, last] = part.split('-').map(Number);
    for (let t = first!; t <= Math.min(last ?? first!, first! + 4096); ++t) tokens.add(t);
  }
  return tokens;
}
function formatSet(tokens: Set<number>): string {
  const parts: string[] = [], all = [...tokens].sort((a, b) => a - b);
  for (let i = 0; i < all.length;) {
    let j = i;
    while (all[j + 1] === all[j]! + 1) ++j;
    parts.push(i === j ? `${all[i]}` : `${all[i]}-${all[j]}`);
    i = j + 1;
  }
  return parts.join(',');
}

const hasMamba = () => models().some(model => model.mixers.mamba.length);
const isHybrid = (pane: PaneState) => {
  const {mamba, attention} = modelOf(pane).mixers;
  return mamba.length > 0 && attention.length > 0;
};

// Which options go together: mean ablation knows no targets, and only a cut of the mixer knows
// groups of channels, of all mixers.
const hasTargets = () => state.mode !== 'mean';
const hasChannels = () => state.mode === 'cut' && hasMamba();
const choosesChannels = () => hasChannels() && String(state.channels) !== 'all';
const hasMixers = () => state.mode !== 'mean' && !choosesChannels() && state.panes.some(isHybrid);

// Named sets go into one option; tokens that are listed are a set by themselves.
const setWords = (option: string, names: string[], own: string):
    string[] => [names.join(','), own].filter(Boolean).map(set => `--${option}=${set}`);

function words(pane: PaneState): string[]|string {
  const why = missing(pane, false);
  if (why) return why;
  const from = setWords('from', state.from, pane.from),
        to = hasTargets() ? setWords('to', state.to, pane.to) : [];
  if (!from.length) return 'Choose source tokens.';
  if (!to.length && hasTargets()) return 'Choose target tokens.';
  const result = [...factWords(pane), ...from, ...to, `--mode=${state.mode}`];
  if (state.window) result.push(`--window=${Math.min(Number(state.window), modelOf(pane).layers)}`);
  if (modelOf(pane).mixers.mamba.length && choosesChannels())
    result.push(`--channels=${state.channels.join(',')}`);
  if (isHybrid(pane) && hasMixers() && String(state.mixers) !== 'all')
    result.push(`--mixers=${state.mixers.join(',')}`);
  return [...result, ...state.further.map(name => `--${name}`)];
}

// A strip that makes a pane's own set: a click adds or removes a token, dragging adds tokens.
function ownSet(label: string, index: number, name: 'from'|'to'): Control {
  const strip = new TokenStrip(`${label}. Click a token, or drag over tokens.`, (first, last) => {
    if (!areCurrent(index)) return;  // tokens of an earlier prompt
    const set = parseSet(state.panes[index]![name]);
    if (first === last && set.has(first)) set.delete(first);
    else
      for (let t = first; t <= last; ++t) set.add(t);
    changePane(index, {[name]: formatSet(set)});
  });
  const root = el('div', {className: 'own-set'}, el('span', {textContent: label}), strip.root);
  return {
    root,
    update() {
      root.hidden = name === 'to' && !hasTargets();
      const set = parseSet(state.panes[index]?.[name] ?? '');
      root.classList.toggle('stale', !areCurrent(index));
      strip.show(tokensOf(index), (_token, t) => set.has(t));
    },
  };
}

// Says which token has which number, because figures show the pane's own sets by number.
function numbers(index: number): Control {
  const root = el('p', {className: 'count'});
  return {
    root,
    update() {
      const {from = '', to = ''} = state.panes[index] ?? {};
      const set = parseSet([from, hasTargets() ? to : ''].filter(Boolean).join(','));
      const named =
          tokensOf(index).flatMap((token, t) => set.has(t) ? `${t} is ${tokenText(token)}` : []);
      root.hidden = !named.length;
      root.textContent = `Chosen tokens are shown by number, counted from 0: ${named.join(', ')}.`;
    },
  };
}

const toolbar = () => group('toolbar', [
  chips(
      'Sources', () => kSets.map(set => option(set)), () => state.from, from => change({from}), ''),
  chips(
      'Targets', () => hasTargets() ? kSets.map(set => option(set)) : [], () => state.to,
      to => change({to}), ''),
  select(
      'Knockout',
      () =>
          [option('cut', 'recurrence or attention'), option('cut-conv', 'also the convolution'),
           option('mean', 'mean ablation of the sources')],
      () => state.mode, mode => change({mode})),
  slider(
      'Window', () => ({min: 0, max: Math.max(...models().map(model => model.layers))}),
      () => state.window || '0', value => change({window: value === '0' ? '' : value}),
      value => value === '0' ? 'default' : plural(Number(value), 'layer')),
  chips(
      'Mixers', () => hasMixers() ? ['mamba', 'attention', 'all'].map(name => option(name)) : [],
      () => state.mixers, mixers => change({mixers})),
  chips(
      'Channels',
      () => hasChannels() ? ['all', 'fast', 'mid', 'slow'].map(name => option(name)) : [],
      () => state.channels, channels => change({channels})),
  chips(
      'Also show',
      () =>
          [option('heatmap', 'p(answer) by token and window'),
           option('decompose', 'what each token adds to the logit')],
      () => state.further, further => change({further}), ''),
]);

export const knockoutTab: Tab = {
  id: 'knockout',
  title: 'Knockout',
  about: 'Does the answer need this flow of information? A knockout stops the target tokens from ' +
      'reading the source tokens in a window of layers. A lower p(answer) means that the flow ' +
      'was needed. In a Mamba, the convolution also lets tokens read the few before them.',
  toolbar,
  view: index => new FigureView(
      'knockout', index, words,
      group(
          'own-sets',
          [
            ownSet('Chosen source tokens', index, 'from'),
            ownSet('Chosen target tokens', index, 'to'),
            numbers(index),
          ])),
};
