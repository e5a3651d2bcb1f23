import { renderComparison } from '../../report/comparison-report';
import { exampleComparison } from './example';

describe('fairness of a comparison is computed from its runs', () => {
  test('the same data and as many images for all: said so', () => {
    expect(renderComparison(exampleComparison())).toContain('the number of images seen are the same for all');
  });

  test('an objective that was stopped early is not passed off as fairly compared', () => {
    const input = exampleComparison();
    const [first, ...others] = input.objectives;
    const page = renderComparison({
      ...input,
      objectives: [{ ...first, curve: first.curve.slice(0, -40) }, ...others],
    });
    expect(page).toContain('Not the same for all: number of images seen.');
    expect(page).not.toContain('are the same for all');
  });

  test('another data set is named', () => {
    const input = exampleComparison();
    const [first, ...others] = input.objectives;
    const result = { ...first.result, dataSet: { ...first.result.dataSet, sha256: 'f'.repeat(64) } };
    expect(renderComparison({ ...input, objectives: [{ ...first, result }, ...others] })).toContain(
      'Not the same for all: data set.',
    );
  });

  test('no objective at all is a page that says so', () => {
    expect(renderComparison({ ...exampleComparison(), objectives: [] })).toContain('No objective has a result.');
  });
});
