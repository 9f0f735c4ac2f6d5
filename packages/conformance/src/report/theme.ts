// What a check is about: the part of its id before the dot.

/** Of "commits.visible": "commits". */
export const themeOf = (id: string): string => id.slice(0, id.indexOf("."));

/** Ids by theme, in the order in which the themes come. */
export function byTheme<T extends { readonly id: string }>(checks: readonly T[]): ReadonlyMap<string, readonly T[]> {
	return Map.groupBy(checks, ({ id }) => themeOf(id));
}
