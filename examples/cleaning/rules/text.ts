// Pure: titles that went through the wrong encoding, or were typed with a heavy thumb.

/** What each byte above 127 means to an old Mac. */
const MAC_BYTES = new Map(
	Array.from({ length: 128 }, (_, index) => [new TextDecoder("macintosh").decode(new Uint8Array([index + 128])), index + 128] as const),
);

/** Latin-1 bytes that somebody read as MacRoman, read again: "LÈon" is "Léon". */
export function unMac(text: string): string {
	return text.replaceAll(/\P{ASCII}/gu, (character) => {
		const byte = MAC_BYTES.get(character);
		return byte === undefined ? character : new TextDecoder("windows-1252").decode(new Uint8Array([byte]));
	});
}

export function singleSpaces(text: string): string {
	return text.trim().replaceAll(/\s+/g, " ");
}

/** What a movie is known by, however its title is written. */
export function identity(title: string, released: string): string {
	const letters = title
		.normalize("NFKD")
		.toLowerCase()
		.replaceAll(/[^\p{L}\p{N}]+/gu, "-");
	return `${letters.replaceAll(/^-|-$/g, "") || "untitled"}-${released.slice(0, 4)}`;
}
