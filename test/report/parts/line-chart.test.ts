import { lineChart, noMarks, type LineChart } from '../../../report/parts/line-chart';
import { readHtml } from '../read-html';

const chart = (change: Partial<LineChart>): string => {
  const base: LineChart = {
    title: 'Loss',
    note: 'per iteration',
    summary: 'Loss from 2 to 1',
    xLabel: 'iteration',
    format: String,
    series: [],
    marks: noMarks,
  };
  return lineChart({ ...base, ...change }).text;
};

test('ticks are round, start at 0 and reach above the highest value', () => {
  const drawn = chart({
    series: [
      {
        colour: 'magnet',
        look: 'line',
        points: [
          [1, 0.4],
          [900, 3.3],
        ],
      },
    ],
  });
  const ticks = readHtml(drawn)
    .all('text[text-anchor=end]')
    .map(({ text }) => text);
  expect(ticks).toEqual(['0', '1', '2', '3', '4']);
});

test('refreshes and resumes are marked, a value that is not finite is left out', () => {
  const drawn = chart({
    series: [
      {
        colour: 'magnet',
        look: 'line',
        points: [
          [1, 1],
          [2, NaN],
          [3, 2],
        ],
      },
    ],
    marks: { refreshes: [1, 2], resumes: [2], boundary: null },
  });
  expect(readHtml(drawn).all('path.refresh')).toHaveLength(2);
  expect(readHtml(drawn).all('path.resume-head')).toHaveLength(1);
  expect(drawn).not.toContain('NaN');
});

test('one point, equal points and no points make a chart without NaN or Infinity', () => {
  const points = [[[5, 0]], [[1, 2] as const, [2, 2] as const], []] as const;
  for (const some of points) {
    const drawn = chart({ series: [{ colour: 'softmax', look: 'dots', points: some }] });
    expect(drawn).not.toMatch(/NaN|Infinity/);
  }
});
