// What the daemon does right now: its own metrics, asked for every two seconds while somebody looks.

const kept = 60;
const period = 2000;

/** The samples of Prometheus text that are looked at: name, labels, value. */
function parsedMetrics(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^(martlet_\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

// What this page itself asks would hide what others do.
const ownRoutes = new Set(['metrics', 'root', 'models', 'openapi', 'layers', 'livez', 'readyz']);

/** Sums of what is charted, as they stand. */
function totals(samples) {
  const sum = { requests: 0, buckets: new Map(), items: 0, batches: 0, wait: 0 };
  for (const { name, labels, value } of samples) {
    switch (name) {
      case 'martlet_http_requests_total': if (!ownRoutes.has(labels.route)) sum.requests += value; break;
      case 'martlet_http_request_duration_seconds_bucket':
        if (!ownRoutes.has(labels.route)) sum.buckets.set(labels.le, (sum.buckets.get(labels.le) ?? 0) + value);
        break;
      case 'martlet_batch_size_sum': sum.items += value; break;
      case 'martlet_batch_size_count': sum.batches += value; break;
      case 'martlet_predicted_wait_seconds': sum.wait = Math.max(sum.wait, value); break;
    }
  }
  return sum;
}

/** The quantile of what came between two looks, as Prometheus estimates it: evenly within a bucket; null of nothing. */
function quantile(share, before, after) {
  const counts = [...after].map(([bound, count]) =>
    [bound === '+Inf' ? Infinity : Number(bound), count - (before.get(bound) ?? 0)]);
  const wanted = share * (counts.at(-1)?.[1] ?? 0);
  if (!wanted) return null;
  let [low, below] = [0, 0];
  for (const [bound, count] of counts) {
    if (count >= wanted) return bound === Infinity ? low : low + ((bound - low) * (wanted - below)) / (count - below);
    [low, below] = [bound, count];
  }
  return low;
}

/** A small chart of one or two lines with their latest values. */
function liveChart(title, lines, format) {
  const chart = plot();
  const values = lines.map(() => html('b', {}, '–'));
  const histories = lines.map(() => Array(kept).fill(null));
  const scale = html('span');
  const element = html('figure', { class: 'live' },
    html('figcaption', {}, html('span', {}, title), lines.map(({ label, kind }, index) =>
      html('span', { class: `reading ${kind}` }, values[index], label ? ` ${label}` : ''))),
    html('div', { class: 'plot', 'aria-hidden': 'true' }, chart, scale));
  return {
    element,
    push(latest) {
      latest.forEach((value, index) => {
        histories[index].push(value);
        histories[index].shift();
        values[index].textContent = value === null ? '–' : format(value);
      });
      const most = Math.max(...histories.flat().filter((value) => value !== null), 0);
      scale.textContent = most ? format(most) : '';
      const drawn = histories.map((values, index) => ({ values, kind: lines[index].kind }));
      drawLines(chart, drawn, { count: kept, least: 0, most: most || 1 });
    },
  };
}

const monitor = {
  previous: null,
  inView: false,
  timer: null,
  charts: null,

  start() {
    const seconds = (value) => milliseconds(1000 * value);
    this.charts = {
      requests: liveChart('Requests a second', [{ kind: 'first' }], (value) => oneDigit.format(value)),
      latency: liveChart('Latency', [{ kind: 'first', label: 'p50' }, { kind: 'second', label: 'p99' }], seconds),
      batch: liveChart('Batch size', [{ kind: 'first' }], (value) => oneDigit.format(value)),
      wait: liveChart('Predicted wait', [{ kind: 'first' }], seconds),
    };
    byId('charts').replaceChildren(...Object.values(this.charts).map(({ element }) => element));
    document.addEventListener('visibilitychange', () => this.schedule());
    new IntersectionObserver(([entry]) => {
      this.inView = entry.isIntersecting;
      this.schedule();
    }).observe(byId('charts'));
  },

  /** Asks again in a while, if anybody looks. */
  schedule() {
    clearTimeout(this.timer);
    if (document.hidden || !this.inView) {
      this.previous = null;
      return;
    }
    this.timer = setTimeout(() => this.look(), this.previous ? period : 0);
  },

  async look() {
    try {
      const response = await send({ path: 'metrics' });
      this.push({ at: performance.now(), ...totals(parsedMetrics(await response.text())) });
      this.schedule();
    } catch (problem) {
      byId('monitor-note').textContent = problem.status === 0
        ? problem.sentence : `There are no metrics for this page. ${problem.sentence}`;
      // A daemon that is started again is found again; a key that does not open metrics will not.
      this.previous = null;
      if (problem.status === 0) this.timer = setTimeout(() => this.look(), 5 * period);
    }
  },

  push(now) {
    const before = this.previous;
    this.previous = now;
    if (!before || now.requests < before.requests) return;
    const seconds = (now.at - before.at) / 1000;
    const batches = now.batches - before.batches;
    this.charts.requests.push([(now.requests - before.requests) / seconds]);
    this.charts.latency.push([quantile(0.5, before.buckets, now.buckets), quantile(0.99, before.buckets, now.buckets)]);
    this.charts.batch.push([batches ? (now.items - before.items) / batches : null]);
    this.charts.wait.push([now.wait]);
  },
};
