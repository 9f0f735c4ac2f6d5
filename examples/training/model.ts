// Pure: logistic regression, one step at a time.

export type Weights = readonly number[];

/** The probability of being late. */
export function predict(weights: Weights, features: readonly number[]): number {
	return 1 / (1 + Math.exp(-weights.reduce((sum, weight, index) => sum + weight * (features[index] ?? 0), 0)));
}

/** A step of gradient descent towards what really happened. */
export function learn(weights: Weights, features: readonly number[], late: boolean, rate: number): Weights {
	const error = (late ? 1 : 0) - predict(weights, features);
	return weights.map((weight, index) => weight + rate * error * (features[index] ?? 0));
}

export function movedTowards(from: Weights, to: Weights, share: number): Weights {
	return from.map((weight, index) => weight + share * ((to[index] ?? 0) - weight));
}

export interface Trained {
	readonly average: Weights;
	readonly samples: number;
}

/** One model from those of all partitions: their average, each by the samples that it has seen. */
export function merge(models: readonly Trained[]): Weights {
	const samples = models.reduce((sum, model) => sum + model.samples, 0);
	return (models[0]?.average ?? []).map((_, index) =>
		models.reduce((sum, model) => sum + ((model.average[index] ?? 0) * model.samples) / Math.max(1, samples), 0),
	);
}
