// The same regression fitted at once to all samples, by Newton's method: what the online model is measured against.
import { Matrix, solve } from "ml-matrix";
import { predict, type Weights } from "./model.ts";

export interface Sample {
	readonly features: readonly number[];
	readonly late: boolean;
}

/** Newton's method doubles its right digits with each. */
const STEPS = 5;
/** Keeps the matrix regular where a feature never varies. */
const RIDGE = 1e-6;

export function batchFit(samples: readonly Sample[]): Weights {
	const size = samples[0]?.features.length ?? 0;
	let weights: Weights = Array.from({ length: size }, () => 0);
	for (let step = 0; step < STEPS; step++) {
		const gradient = new Float64Array(size);
		const curvature = new Float64Array(size * size);
		for (const { features, late } of samples) {
			const probability = predict(weights, features);
			for (let i = 0; i < size; i++) {
				const a = features[i] ?? 0;
				gradient[i] = (gradient[i] ?? 0) + a * (Number(late) - probability);
				for (let j = 0; j < size; j++) {
					const at = i * size + j;
					curvature[at] = (curvature[at] ?? 0) + a * (features[j] ?? 0) * probability * (1 - probability);
				}
			}
		}
		const matrix = Matrix.from1DArray(size, size, [...curvature]).add(Matrix.eye(size, size).mul(RIDGE));
		const move = solve(matrix, Matrix.columnVector([...gradient])).to1DArray();
		weights = weights.map((weight, index) => weight + (move[index] ?? 0));
	}
	return weights;
}

export function accuracy(samples: readonly Sample[], weights: Weights): number {
	return samples.filter(({ features, late }) => predict(weights, features) >= 0.5 === late).length / Math.max(1, samples.length);
}
