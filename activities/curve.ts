/** Curves as they are stored: one JSON list of rows per checkpoint. */
import { z } from 'zod';
import { CurveRow } from '../config/artifacts';

const Curve = z.array(CurveRow);

export function parseCurve(json: string): CurveRow[] {
  return Curve.parse(JSON.parse(json));
}
