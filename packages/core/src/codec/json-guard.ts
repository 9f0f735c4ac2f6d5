// Refuses JSON that is made to harm whoever merges or walks it.

const MAX_DEPTH = 1000;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Throws for text nested deeper than 1000: a recursive handler or schema would overflow its stack on it. */
export function checkDepth(text: string): void {
	// Each level costs two characters.
	if (text.length <= 2 * MAX_DEPTH) return;
	let depth = 0;
	for (let i = 0; i < text.length; i++) {
		const char = text.charCodeAt(i);
		if (char === QUOTE) i = endOfString(text, i);
		else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
			if (++depth > MAX_DEPTH) throw new TypeError(`it is nested deeper than ${MAX_DEPTH}`);
		} else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--;
	}
}

/** The place of the closing quote; the end of a text that has none, which the parser will refuse. */
function endOfString(text: string, start: number): number {
	for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
		let escapes = 0;
		while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
		if (escapes % 2 === 0) return end;
	}
	return text.length;
}

/** Throws if an object in it has a key `__proto__`, or a `constructor` that has a `prototype`. Only looks, with no recursion. */
export function checkPrototypeKeys(value: unknown): void {
	const open: object[] = [];
	if (isObject(value)) open.push(value);
	for (let node = open.pop(); node; node = open.pop()) {
		if (Object.hasOwn(node, "__proto__")) throw new TypeError('an object in it has a key "__proto__"');
		for (const [key, child] of Object.entries(node)) {
			if (!isObject(child)) continue;
			if (key === "constructor" && Object.hasOwn(child, "prototype"))
				throw new TypeError('an object in it has a key "constructor" with a key "prototype"');
			open.push(child);
		}
	}
}

function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null;
}
