// Shows through which part of a block the fact flows (path-specific effects).
import {chips, group, option} from './controls';
import {corruptionWords, factWords, missing} from './fact';
import {FigureView} from './figure_view';
import {change, PaneState, state} from './state';
import {Tab} from './tab';

function words(pane: PaneState): string[]|string {
  return missing(pane) ||
      [...factWords(pane), ...corruptionWords(pane), `--at=${state.at.join(',')}`];
}

export const pathsTab: Tab = {
  id: 'paths',
  title: 'Paths',
  about: 'Through which part of a block does the fact flow? Each run restores the clean run\'s ' +
      'residual stream at one token. It keeps one part of the blocks as in the corrupted run.',
  toolbar: () => group(
      'toolbar',
      [
        chips(
            'Token',
            () =>
                [option('subject_last', 'subject\'s last'),
                 option('prompt_last', 'prompt\'s last')],
            () => state.at, at => change({at})),
      ]),
  view: index => new FigureView('paths', index, words),
};
