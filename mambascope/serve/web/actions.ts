// Copies the command line of a view, and downloads its result as JSON.
import {button, download, el} from './dom';

// The clipboard, or where the browser forbids it, the old way.
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = el('textarea', {value: text, className: 'off-screen'});
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
}

export class Actions {
  readonly root = el('div', {className: 'actions', hidden: true});
  private readonly line = el('code', {className: 'command', tabIndex: 0, ariaLabel: 'Command'});
  private readonly buttons: HTMLButtonElement[];
  private commands: string[] = [];
  private documents: unknown[] = [];

  constructor(private readonly name: string) {
    const said = el('span', {role: 'status', className: 'said'});
    const copyButton = button('Copy command', async () => {
      await copy(this.commands.join('\n'));
      said.textContent = 'Copied.';
      setTimeout(() => {
        said.textContent = '';
      }, 2000);
    });
    const saveButton = button('Download JSON', () => {
      const whole = this.documents.length === 1 ? this.documents[0] : this.documents;
      download(
          new Blob([JSON.stringify(whole, null, 1)], {type: 'application/json'}),
          `${this.name}.json`);
    });
    this.buttons = [copyButton, saveButton];
    this.root.append(copyButton, saveButton, said, this.line);
  }

  // What is shown is old: it is not copied by mistake.
  setOld(): void {
    this.buttons.forEach(one => one.disabled = true);
  }

  show(results: {command: string; json: unknown}[]): void {
    this.root.hidden = !results.length;
    this.buttons.forEach(one => one.disabled = false);
    this.commands = results.map(result => result.command);
    this.documents = results.map(result => result.json);
    this.line.textContent = this.commands.join('\n');
  }
}
