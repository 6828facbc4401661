// Draws dashboard.json as Grafana does: its panels' data, as a Prometheus answered, given to Grafana's own
// components. In: window.DASHBOARD and window.ANSWERS (by expression), which `shoot` writes.
import React from 'react';
import 'uplot/dist/uPlot.min.css';
import { createRoot } from 'react-dom/client';
import { BarGaugeDisplayMode, LegendDisplayMode, VizOrientation } from '@grafana/schema';
import {
  FieldColorModeId, FieldType, ThemeContext, applyFieldOverrides, createTheme, getDisplayProcessor, getFieldDisplayValues, toDataFrame,
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

// Only the present value, if a panel requests no more.
const points = (target, answer) => (target.instant ? answer.now.map(({ metric, value }) => ({ metric, values: [value] })) : answer.range);

const series = (target, answer) => points(target, answer).map(({ metric, values }) => toDataFrame({
  fields: [
    { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
    { name: legend(target.legendFormat, metric), type: FieldType.number, labels: {}, values: values.map(([, value]) => Number(value)) },
  ],
}));

const table = (answer) => {
  const labels = [...new Set(answer.now.flatMap(({ metric }) => Object.keys(metric)))].filter((name) => !/^(__name__|instance|job)$/.test(name));
  const column = (name, type, of) => ({ name, type, config: {}, values: answer.now.map(of) });
  return [toDataFrame({ fields: [
    ...labels.map((name) => column(name, FieldType.string, ({ metric }) => metric[name] ?? '')),
    column('Value', FieldType.number, ({ value }) => Number(value[1])),
  ] })];
};

function Panel({ panel, width, height }) {
  const answers = panel.targets.map((target) => [target, window.ANSWERS[target.expr]]);
  // Grafana shows this text. Its components for time series fail without a series.
  if ((panel.type === 'timeseries' || panel.type === 'table') && !answers.some(([, { now, range }]) => now.length || range.length)) {
    return <div style={{ height, display: 'flex', alignItems: 'center', justifyContent: 'center', color: theme.colors.text.secondary }}>No data</div>;
  }
  const raw = panel.type === 'table' ? table({ now: answers.flatMap(([, { now }]) => now) }) : answers.flatMap(([target, answer]) => series(target, answer));
  const defaults = { thresholds: THRESHOLDS, ...panel.fieldConfig.defaults, color: { mode: panel.type === 'timeseries' ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds } };
  const frames = applyFieldOverrides({
    data: raw, fieldConfig: { defaults, overrides: panel.fieldConfig.overrides }, theme, timeZone: 'utc',
    replaceVariables: (text) => text, fieldConfigRegistry: undefined,
  });
  for (const frame of frames) for (const field of frame.fields) {
    field.config = { ...defaults, custom: { minWidth: 100, drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never', spanNulls: false }, ...field.config };
    field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
  }
  if (panel.type === 'timeseries') {
    const [from, to] = window.ANSWERS.times.map((time) => time * 1000);
    return <TimeSeries frames={frames} width={width} height={height} timeZone="utc" theme={theme} structureRev={1}
      timeRange={{ from: { valueOf: () => from }, to: { valueOf: () => to }, raw: { from: 'now-5m', to: 'now' } }}
      legend={{ displayMode: LegendDisplayMode.List, placement: 'bottom', showLegend: true, calcs: [] }} />;
  }
  if (panel.type === 'table') return <Table data={frames[0]} width={width} height={height} />;
  const values = getFieldDisplayValues({
    data: frames, theme, timeZone: 'utc', fieldConfig: { defaults, overrides: [] }, replaceVariables: (text) => text,
    reduceOptions: { calcs: ['lastNotNull'], values: false },
  }).map(({ display }) => display);
  const none = [{ numeric: NaN, text: defaults.noValue ?? 'No data', color: theme.visualization.getColorByName('green') }];
  return <VizRepeater source={values} getValues={() => (values.length ? values : none)} width={width} height={height} itemSpacing={8}
    orientation={panel.type === 'stat' ? VizOrientation.Vertical : VizOrientation.Horizontal}
    renderValue={({ value, width: w, height: h }) => (panel.type === 'stat'
      ? <BigValue value={value} width={w} height={h} theme={theme} colorMode="value" graphMode="none" justifyMode="auto" textMode="value" />
      : <BarGauge value={value} width={w} height={h} theme={theme} orientation={VizOrientation.Horizontal} text={{ titleSize: 14, valueSize: 20 }} displayMode={BarGaugeDisplayMode.Gradient}
        field={{ ...defaults, min: 0 }} display={frames[0]?.fields[1]?.display} />)} />;
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
