// Copies the code that README.md and the guides show into them: `<!-- path -->` before a code block names its source, and
// `<!-- path#name -->` one declaration of it with its comment.
// `--check` only compares, for `npm run check`.
import { globSync, readFileSync, writeFileSync } from "node:fs";

const BLOCK = /<!-- ([^\s#]+)(?:#(\w+))? -->\n```ts\n[\s\S]*?```/g;

function sourceOf(path: string, name: string | undefined): string {
	const source = readFileSync(path, "utf8");
	if (name === undefined) return source;
	// Formatted code: a declaration ends before the next line that begins at the margin after an empty one.
	const found = source
		.split(/\n\n(?=\S)/)
		.find((part) => new RegExp(`^(export )?(async )?(function|const|class|interface|type) ${name}\\b`, "m").test(part));
	if (found === undefined) throw new Error(`${path} has no declaration ${name}`);
	return `${found.trimEnd()}\n`;
}

for (const file of ["README.md", "docs/adapters.md", ...globSync("docs/guides/*.md")]) {
	const before = readFileSync(file, "utf8");
	const after = before.replace(
		BLOCK,
		(_, path: string, name: string | undefined) =>
			`<!-- ${path}${name === undefined ? "" : `#${name}`} -->\n\`\`\`ts\n${sourceOf(path, name)}\`\`\``,
	);
	if (!process.argv.includes("--check")) {
		writeFileSync(file, after);
	} else if (before !== after) {
		console.error(`${file} shows another version of a file than the one that is tested; run npm run generate`);
		process.exitCode = 1;
	}
}
