// Draws a dashboard with Grafana's own components: the panels' frames, graphs, values, bars and tables come from
// @grafana/ui, units, colours, mappings, overrides and transformations from @grafana/data. What is ours is the part
// that a Grafana server and its Prometheus data source would do: ask, and put the answer into data frames.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, FieldConfigOptionsRegistry, FieldType, getDisplayValueAlignmentFactors,
  getFieldDisplayValues, standardTransformers, standardTransformersRegistry, ThemeContext, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

const { dashboard, prometheus, now, width } = window.CAMSENTRY;
const GRID = 30, GAP = 8, STEP = 60;
const UNITS = { m: 60, h: 3600, d: 86400 };
const [, count, unit] = dashboard.time.from.match(/^now-(\d+)([mhd])$/);
const span = Number(count) * UNITS[unit];
const theme = createTheme({ colors: { mode: 'dark' } });
const range = {
  from: dateTime((now - span) * 1000), to: dateTime(now * 1000), raw: { from: dashboard.time.from, to: 'now' },
};

// Grafana's editors are of no use here, their ids are: a property that is not listed would not be applied.
const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'links', 'color'];
const CUSTOM = [
  'cellOptions', 'align', 'width', 'minWidth', 'wrapHeaderText', 'filterable', 'inspect', 'drawStyle', 'lineWidth', 'fillOpacity', 'showPoints',
  'lineInterpolation', 'spanNulls', 'stacking', 'axisPlacement', 'axisLabel', 'axisSoftMax', 'barWidthFactor', 'thresholdsStyle',
];
const property = (path, isCustom) => ({
  id: isCustom ? `custom.${path}` : path, path, name: path, isCustom, process: (value) => value, shouldApply: () => true,
  editor: () => null, override: () => null,
});
const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => property(path, false)), ...CUSTOM.map((path) => property(path, true)),
]);
// Some stand there under two names.
const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((one) => ({ id: one.id, name: one.name, transformation: async () => one })));

// Seconds from point to point: the panel may ask for more than the graph needs.
const step = (panel) => (panel.interval ? Math.max(STEP, parseInt(panel.interval, 10) * UNITS[panel.interval.at(-1)]) : STEP);
const filled = (expr, seconds) => expr.replaceAll('$__rate_interval', `${Math.max(4 * STEP, seconds + STEP)}s`).replaceAll('$__range', `${span}s`)
  .replaceAll('$__interval', `${seconds}s`).replaceAll('$job', '.+').replaceAll('$instance', '.+');
const legend = (format, labels) => (format
  ? format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '')
  : Object.entries(labels).filter(([name]) => name !== '__name__').map(([name, value]) => `${name}="${value}"`).join(', '));

async function ask(target, seconds) {
  const path = target.instant ? 'query' : 'query_range';
  const when = target.instant ? { time: now } : { start: now - span, end: now, step: seconds };
  const body = new URLSearchParams({ query: filled(target.expr, seconds), ...when });
  const reply = await (await fetch(`${prometheus}/api/v1/${path}`, { method: 'POST', body })).json();
  if (reply.status !== 'success') throw new Error(reply.error);
  return reply.data.result;
}

// A table: time, one column for each label, the value, as the data source names them.
function tableFrame(result, target, several) {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].filter((name) => name !== '__name__').sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map((series) => series.value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((series) => series.metric[name] ?? '') })),
      { name: several ? `Value #${target.refId}` : 'Value', type: FieldType.number, values: result.map((series) => Number(series.value[1])) },
    ],
  });
}

// A series: every step has its point; where Prometheus has none it is a gap.
function seriesFrame(series, target, seconds) {
  const points = new Map((series.values ?? [series.value]).map(([time, value]) => [Math.round(time), Number(value)]));
  const times = target.instant ? [...points.keys()] : Array.from({ length: Math.floor(span / seconds) + 1 }, (_, i) => Math.round(now - span) + i * seconds);
  const name = legend(target.legendFormat, series.metric);
  return toDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: times.map((time) => time * 1000) },
      { name: 'Value', type: FieldType.number, values: times.map((time) => points.get(time) ?? null), labels: series.metric, config: { displayNameFromDS: name } },
    ],
  });
}

async function load(panel) {
  const frames = [];
  for (const target of panel.targets) {
    const result = await ask(target, step(panel));
    if (target.format === 'table') frames.push(tableFrame(result, target, panel.targets.length > 1));
    else frames.push(...result.map((series) => seriesFrame(series, target, step(panel))));
  }
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames, { interpolate: (text) => text }));
  const done = applyFieldOverrides({
    data, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: (text) => text, theme, timeZone: 'utc',
  });
  cacheFieldDisplayNames(done);
  return done;
}

function values(panel, frames) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text,
    theme, data: frames, timeZone: 'utc',
  });
}

function Content({ panel, frames, width, height }) {
  if (!frames.some((frame) => frame.length)) {
    return <div style={{ width, height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary }}>No data</div>;
  }
  if (panel.type === 'timeseries') {
    return <TimeSeries frames={frames} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height}
      legend={panel.options.legend} options={panel.options} />;
  }
  if (panel.type === 'table') {
    return <TableNG data={frames[0]} width={width} height={height} fieldConfig={panel.fieldConfig} cellHeight={panel.options.cellHeight}
      enableVirtualization={false} structureRev={1} timeRange={range} />;
  }
  const isBar = panel.type === 'bargauge';
  const shown = values(panel, frames);
  const one = ({ value, width, height, orientation, alignmentFactors, count }) => (isBar
    ? <BarGauge value={value.display} width={width} height={height} orientation={orientation} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      theme={theme} itemSpacing={8} displayMode={panel.options.displayMode} alignmentFactors={alignmentFactors}
      showUnfilled={panel.options.showUnfilled} valueDisplayMode={panel.options.valueMode} namePlacement={panel.options.namePlacement} />
    : <BigValue value={value.display} width={width} height={height} theme={theme} count={count} colorMode={panel.options.colorMode}
      graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode} textMode={panel.options.textMode}
      alignmentFactors={alignmentFactors} wideLayout={panel.options.wideLayout} />);
  const horizontal = isBar ? 'horizontal' : width > height ? 'vertical' : 'horizontal';
  return <VizRepeater getValues={() => shown} getAlignmentFactors={(all) => getDisplayValueAlignmentFactors(all)} renderValue={one}
    width={width} height={height} source={frames} renderCounter={1} orientation={horizontal} itemSpacing={isBar ? 8 : 3} autoGrid={!isBar}
    minVizHeight={panel.options.minVizHeight} minVizWidth={panel.options.minVizWidth} maxVizHeight={panel.options.maxVizHeight} />;
}

const place = ({ x, y, w, h }) => ({
  left: GAP + (x * (width - GAP)) / 24, top: GAP + y * (GRID + GAP), width: (w * (width - GAP)) / 24 - GAP, height: h * (GRID + GAP) - GAP,
});

function Panel({ panel }) {
  const [frames, setFrames] = React.useState(null);
  React.useEffect(() => {
    load(panel).then((loaded) => {
      setFrames(loaded);
      if (!loaded.some((frame) => frame.length)) console.log(`CAMSENTRY empty: ${panel.title}`);
    }).catch((fault) => console.log(`CAMSENTRY fault: ${panel.title}: ${fault}`)).finally(() => {
      window.CAMSENTRY.answered = (window.CAMSENTRY.answered ?? 0) + 1;
    });
  }, []);
  const { left, top, width, height } = place(panel.gridPos);
  return (
    <div style={{ position: 'absolute', left, top, width, height }}>
      <PanelChrome width={width} height={height} title={panel.title} description={panel.description}>
        {(innerWidth, innerHeight) => frames && <Content panel={panel} frames={frames} width={innerWidth} height={innerHeight} />}
      </PanelChrome>
    </div>
  );
}

function Row({ panel }) {
  const { left, top, width, height } = place(panel.gridPos);
  return <h4 style={{ position: 'absolute', left, top, width, height, margin: 0, lineHeight: `${height}px`, color: theme.colors.text.primary }}>▾ {panel.title}</h4>;
}

function Board() {
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'absolute', inset: 0, background: theme.colors.background.canvas }}>
        {dashboard.panels.map((panel) => (panel.type === 'row' ? <Row key={panel.id} panel={panel} /> : <Panel key={panel.id} panel={panel} />))}
      </div>
    </ThemeContext.Provider>
  );
}

window.onunhandledrejection = (event) => console.log(`CAMSENTRY fault: ${event.reason}`);
createRoot(document.getElementById('root')).render(<Board />);
