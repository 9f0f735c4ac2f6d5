// A Vega-Lite chart as SVG: no browser and no network, neither to draw it nor to look at it.
import { Error as ErrorsOnly, parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const FONT = "system-ui, sans-serif";

const STYLE: TopLevelSpec["config"] = {
	font: FONT,
	background: "white",
	view: { stroke: null },
	axis: { labelColor: "#555", titleColor: "#333", titleFontWeight: "normal", gridColor: "#eee", domainColor: "#bbb", tickColor: "#bbb" },
	legend: { labelColor: "#333", titleColor: "#333", titleFontWeight: "normal" },
	bar: { color: "#4c78a8" },
	line: { color: "#4c78a8", strokeWidth: 2 },
};

export async function svgOf(spec: TopLevelSpec): Promise<string> {
	const { spec: compiled } = compile({ ...spec, config: { ...STYLE, ...spec.config } });
	const view = new View(parse(compiled), { renderer: "none", logLevel: ErrorsOnly });
	try {
		return await view.toSVG();
	} finally {
		view.finalize();
	}
}
