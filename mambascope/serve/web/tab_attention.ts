// Shows which tokens each token reads in a mixer (attention or hidden attention).
import {group, input, slider} from './controls';
import {missingTokens, modelWord} from './fact';
import {FigureView} from './figure_view';
import {change, modelOf, models, PaneState, promptOf, state} from './state';
import {Tab} from './tab';

const layerOf = (pane: PaneState): number => state.layer === '' ?
    modelOf(pane).attention_layer :
    Math.min(Number(state.layer) || 0, modelOf(pane).layers - 1);

function words(pane: PaneState): string[]|string {
  const prompt = promptOf(pane), why = missingTokens(pane);
  if (why) return why;
  const head = state.head.trim();
  return [
    modelWord(pane), `--prompt=${prompt}`, `--layer=${layerOf(pane)}`,
    ...(head ? [`--head=${head}`] : [])
  ];
}

export const attentionTab: Tab = {
  id: 'attention',
  title: 'Attention',
  about: 'Which tokens does each token read in a layer\'s mixer? A row is the token that reads. ' +
      'A column is a token that is read.',
  toolbar: () => group(
      'toolbar',
      [
        slider(
            'Layer', () => ({min: 0, max: Math.max(...models().map(model => model.layers)) - 1}),
            () => String(layerOf(state.panes[0]!)), layer => change({layer}), value => value),
        input(
            'Head or channel', () => state.head, head => change({head}),
            {inputMode: 'numeric', size: 12, placeholder: 'mean over all'}),
      ]),
  view: index => new FigureView('attention', index, words),
};
