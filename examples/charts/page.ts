// One HTML file with everything in it.

export interface Figure {
	readonly id: string;
	readonly title: string;
	/** What there is to see. */
	readonly text: string;
	readonly svg: string;
}

export interface Page {
	readonly title: string;
	readonly introduction: string;
	/** Numbers that stand out. */
	readonly facts: readonly { readonly name: string; readonly value: string }[];
	readonly sections: readonly { readonly title: string; readonly columns: 1 | 2; readonly figures: readonly Figure[] }[];
}

const CSS = `
	body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
	h1 { margin-bottom: 0.25rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; }
	.facts { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1.5rem 0; padding: 0; list-style: none; }
	.facts li { background: #f4f6f8; border-radius: 6px; padding: 0.5rem 1rem; }
	.facts b { display: block; font-size: 1.3rem; } .facts span { color: #555; font-size: 0.85rem; }
	.figures { display: grid; gap: 1.5rem 2rem; } @media (min-width: 900px) { .columns-2 { grid-template-columns: 1fr 1fr; } }
	figure { margin: 0; } figure h3 { margin: 0 0 0.1rem; font-size: 1rem; } figcaption { color: #555; font-size: 0.9rem; margin-bottom: 0.5rem; }
	svg { max-width: 100%; height: auto; }`;

export function pageOf({ title, introduction, facts, sections }: Page): string {
	return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title><style>${CSS}
</style></head>
<body>
<h1>${text(title)}</h1>
<p>${text(introduction)}</p>
<ul class="facts">${facts.map(({ name, value }) => `<li><b>${text(value)}</b><span>${text(name)}</span></li>`).join("")}</ul>
${sections.map(({ title: heading, columns, figures }) => `<h2>${text(heading)}</h2>\n<div class="figures columns-${columns}">\n${figures.map(figureOf).join("\n")}\n</div>`).join("\n")}
</body>
</html>
`;
}

function figureOf({ id, title, text: caption, svg }: Figure): string {
	return `<figure id="${text(id)}"><h3>${text(title)}</h3><figcaption>${text(caption)}</figcaption>\n${svg}\n</figure>`;
}

function text(value: string): string {
	return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
