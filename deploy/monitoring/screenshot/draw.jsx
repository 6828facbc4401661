// Draws dashboard.json as Grafana does: its panels' data, as a Prometheus answered, given to Grafana's own
// components. In: window.DASHBOARD and window.ANSWERS (by expression), which `shoot` writes.
import React from 'react';
import 'uplot/dist/uPlot.min.css';
import { createRoot } from 'react-dom/client';
import { VizOrientation } from '@grafana/schema';
import {
  FieldColorModeId, FieldType, ThemeContext, applyFieldOverrides, createTheme, getDisplayProcessor, getDisplayValueAlignmentFactors,
  getFieldDisplayValues, standardTransformers, standardTransformersRegistry, stringToJsRegex, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, Table, TimeSeries, VizRepeater } from '@grafana/ui';

const theme = createTheme({ colors: { mode: 'light' } });
// Grafana's default thresholds.
const THRESHOLDS = { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] };
const CELL = { width: 48, height: 36, gap: 8 };

// A legend's text, as Grafana fills {{label}}.
const legend = (format, metric) => {
  if (format) return format.replace(/{{\s*(\w+)\s*}}/g, (_, label) => metric[label] ?? '');
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
  return `${metric.__name__ ?? ''}{${labels.map(([name, value]) => `${name}="${value}"`).join(', ')}}`;
};

// Grafana registers all of them when it starts.
const transformation = standardTransformers.organizeFieldsTransformer;
standardTransformersRegistry.setInit(() => [{ id: transformation.id, name: transformation.name, transformation }]);

// What the panel's overrides set for a field: { unit, color, custom: { ... }, ... }.
const overridden = ({ overrides }, name) => {
  const config = { custom: {} };
  for (const { matcher, properties } of overrides) {
    if (matcher.id === 'byName' ? name !== matcher.options : !stringToJsRegex(matcher.options).test(name)) continue;
    for (const { id, value } of properties) Object.assign(id.startsWith('custom.') ? config.custom : config, { [id.replace('custom.', '')]: value });
  }
  return config;
};

// Only the present value, if a panel requests no more.
const points = (target, answer) => (target.instant ? answer.now.map(({ metric, value }) => ({ metric, values: [value] })) : answer.range);

const series = (target, answer) => points(target, answer).map(({ metric, values }) => toDataFrame({
  fields: [
    { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
    { name: legend(target.legendFormat, metric), type: FieldType.number, labels: {}, values: values.map(([, value]) => Number(value)) },
  ],
}));

// As Grafana makes a table of an answer: the time, each label, and the value.
const table = (answer) => {
  const labels = [...new Set(answer.now.flatMap(({ metric }) => Object.keys(metric)))];
  const column = (name, type, of) => ({ name, type, config: {}, values: answer.now.map(of) });
  return [toDataFrame({ fields: [
    column('Time', FieldType.time, ({ value }) => value[0] * 1000),
    ...labels.map((name) => column(name, FieldType.string, ({ metric }) => metric[name] ?? '')),
    column('Value', FieldType.number, ({ value }) => Number(value[1])),
  ] })];
};

const transformed = (panel, frames) => {
  let result = frames;
  transformDataFrame(panel.transformations ?? [], frames).subscribe((next) => { result = next; });
  // Its names are from before the columns were renamed.
  return result.map((frame) => ({ ...frame, fields: frame.fields.map((field) => ({ ...field, name: field.config.displayName ?? field.name, state: null })) }));
};

function Panel({ panel, width, height }) {
  const { type, options, fieldConfig } = panel;
  const answers = panel.targets.map((target) => [target, window.ANSWERS[target.expr]]);
  // Grafana shows this text. Its components for time series fail without a series.
  if (type !== 'stat' && !answers.some(([target, answer]) => points(target, answer).length)) {
    return <div style={{ height, display: 'flex', alignItems: 'center', justifyContent: 'center', color: theme.colors.text.secondary }}>{fieldConfig.defaults.noValue ?? 'No data'}</div>;
  }
  const raw = type === 'table' ? transformed(panel, table({ now: answers.flatMap(([, { now }]) => now) })) : answers.flatMap(([target, answer]) => series(target, answer));
  const color = { mode: type === 'timeseries' ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds };
  const defaults = { thresholds: THRESHOLDS, color, ...fieldConfig.defaults };
  if (type === 'bargauge') defaults.max = Math.max(1, ...raw.flatMap(({ fields }) => fields[1].values));
  const frames = applyFieldOverrides({
    data: raw, fieldConfig: { defaults, overrides: [] }, theme, timeZone: 'utc', replaceVariables: (text) => text, fieldConfigRegistry: undefined,
  });
  for (const frame of frames) for (const field of frame.fields) {
    const own = overridden(fieldConfig, field.name);
    field.config = { ...defaults, ...field.config, ...own, custom: { minWidth: 60, ...defaults.custom, ...own.custom } };
    field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
  }
  if (type === 'timeseries') {
    const [from, to] = window.ANSWERS.times.map((time) => time * 1000);
    return <TimeSeries frames={frames} width={width} height={height} timeZone="utc" theme={theme} structureRev={1} legend={options.legend}
      timeRange={{ from: { valueOf: () => from }, to: { valueOf: () => to }, raw: { from: 'now-5m', to: 'now' } }} />;
  }
  if (type === 'table') return <Table data={frames[0]} width={width} height={height} cellHeight={options.cellHeight} />;
  const values = getFieldDisplayValues({
    data: frames, theme, timeZone: 'utc', fieldConfig: { defaults, overrides: [] }, replaceVariables: (text) => text, reduceOptions: options.reduceOptions,
  });
  if (type === 'stat') {
    const none = [{ display: { numeric: NaN, text: defaults.noValue ?? 'No data', color: theme.visualization.getColorByName('green') } }];
    return <VizRepeater source={values} getValues={() => (values.length ? values : none)} width={width} height={height} itemSpacing={8} orientation={VizOrientation.Vertical}
      renderValue={({ value, width: w, height: h }) => <BigValue value={value.display} width={w} height={h} theme={theme} {...options} />} />;
  }
  return <VizRepeater source={values} getValues={() => values} getAlignmentFactors={getDisplayValueAlignmentFactors} width={width} height={height} itemSpacing={8}
    orientation={options.orientation} maxVizHeight={options.maxVizHeight} minVizHeight={options.minVizHeight}
    renderValue={({ value, alignmentFactors, width: w, height: h }) => <BarGauge value={value.display} width={w} height={h} theme={theme} alignmentFactors={alignmentFactors}
      orientation={options.orientation} displayMode={options.displayMode} valueDisplayMode={options.valueMode} showUnfilled={options.showUnfilled} namePlacement={options.namePlacement}
      text={options.text} field={defaults} display={frames[0].fields[1].display} />} />;
}

function Dashboard() {
  const place = ({ x, y, w, h }) => ({
    position: 'absolute', left: x * CELL.width + CELL.gap, top: y * CELL.height + CELL.gap,
    width: w * CELL.width - CELL.gap, height: h * CELL.height - CELL.gap,
  });
  const rows = Math.max(...window.DASHBOARD.panels.map(({ gridPos: { y, h } }) => y + h));
  return <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <div style={{ position: 'relative', background: theme.colors.background.canvas, width: 24 * CELL.width + CELL.gap, height: rows * CELL.height + CELL.gap }}>
      {window.DASHBOARD.panels.map((panel) => {
        const at = place(panel.gridPos);
        return <div key={panel.id} style={at}>
          <PanelChrome title={panel.title} width={at.width} height={at.height}>
            {(width, height) => <Panel panel={panel} width={width} height={height} />}
          </PanelChrome>
        </div>;
      })}
    </div>
  </ThemeContext.Provider>;
}

createRoot(document.body.appendChild(document.createElement('div'))).render(<Dashboard />);
