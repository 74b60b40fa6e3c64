// Captions: a sentence for a picture, and for each of its words where the network looked.

/** A caption whose words are buttons: who points at one, or comes to it by keys, sees its map over the picture. */
function wordsOver(view) {
  const line = html('ol', { class: 'words', dir: 'auto', 'aria-label': 'Caption', onmouseleave: () => look(-1) },
    html('li', { class: 'unasked' }, 'The answer comes here.'));
  const detail = html('p', { class: 'quiet', role: 'status' });
  const opacity = slider('Opacity', { least: 0, most: 100, step: 1, value: 65 }, (value) => {
    view.map.style.setProperty('--opacity', value / 100);
  });
  const answer = { elements: [html('div', {}, line, detail)], controls: [opacity.element], said: '' };
  let [words, attention] = [[], null];
  const buttons = () => [...line.querySelectorAll('button')];

  /** Shows the map of a word; of none, no map. */
  function look(index) {
    buttons().forEach((button, other) => button.setAttribute('aria-pressed', other === index));
    if (index < 0 || !attention) {
      view.map.hidden = true;
      detail.textContent = attention ? 'Point at a word, or go through them with the arrow keys.' : '';
      return;
    }
    const { height, width, box, maps } = attention;
    const [left, top, right, bottom] = box;
    const place = {
      '--left': left / view.size.width, '--top': top / view.size.height,
      '--width': (right - left) / view.size.width, '--height': (bottom - top) / view.size.height,
    };
    for (const [name, value] of Object.entries(place)) view.map.style.setProperty(name, `${100 * value}%`);
    const grid = { height, width, values: maps[index] };
    drawGrid(view.map, grid);
    view.map.hidden = false;
    detail.textContent = `For “${words[index]}” it looks most at ${strongestPlace(grid)}.`;
    view.map.setAttribute('aria-label', detail.textContent);
  }

  line.addEventListener('keydown', (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    all.forEach((button, index) => button.setAttribute('tabindex', index === to ? 0 : -1));
    all[to].focus();
  });

  answer.draw = (json) => {
    words = json.tokens.map(String);
    attention = json.attention ?? null;
    answer.said = json.text ?? words.join(' ');
    line.replaceChildren(...words.map((word, index) => html('li', {}, html('button', {
      type: 'button', tabindex: index ? -1 : 0, 'aria-pressed': false,
      onmouseenter: () => look(index), onfocus: () => look(index), onclick: () => look(index),
    }, word))));
    look(-1);
  };
  answer.clear = () => {
    [words, attention] = [[], null];
    line.replaceChildren(html('li', {}, '\u00a0'));
    look(-1);
  };
  return answer;
}
