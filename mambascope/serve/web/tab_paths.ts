// Paths: the part of the mixer through which the fact flows (path-specific effects).
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
  about:
      'Through which part of the mixer does the fact flow? The residual stream of the clean run ' +
      'is restored at a token, and one part at a time is held at its corrupted value.',
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
