// Says what makes a tab: its controls, and its view of each pane.
import {Control} from './controls';
import {View} from './figure_view';

export interface Tab {
  id: string;
  title: string;
  about: string;  // what the tab answers, in a line
  toolbar(): Control;
  view(index: number): View;
}
