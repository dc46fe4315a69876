// Attention: which token reads which inside a mixer (attention and hidden attention).
import {group, input, slider} from './controls';
import {modelWord, promptOf} from './fact';
import {FigureView} from './figure_view';
import {change, modelOf, models, PaneState, state} from './state';
import {Tab} from './tab';

const layerOf = (pane: PaneState): number => state.layer === '' ?
    modelOf(pane).attention_layer :
    Math.min(Number(state.layer) || 0, modelOf(pane).layers - 1);

function words(pane: PaneState): string[]|string {
  const prompt = promptOf(pane);
  if (!prompt.trim()) return 'Type a prompt.';
  const head = state.head.trim();
  return [
    modelWord(pane), `--prompt=${prompt}`, `--layer=${layerOf(pane)}`,
    ...(head ? [`--head=${head}`] : [])
  ];
}

export const attentionTab: Tab = {
  id: 'attention',
  title: 'Attention',
  about:
      'Which token reads which inside the mixer of a layer? A row is a token; its columns are ' +
      'the tokens that it reads.',
  toolbar: () => group(
      'toolbar',
      [
        slider(
            'Layer', () => ({min: 0, max: Math.max(...models().map(model => model.layers)) - 1}),
            () => String(layerOf(state.panes[0]!)), layer => change({layer}), value => value),
        input(
            'Head or channel', () => state.head, head => change({head}),
            {inputMode: 'numeric', size: 6, placeholder: 'mean'}),
      ]),
  view: index => new FigureView('attention', index, words),
};
