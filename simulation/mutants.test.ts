// Before anything is run: whoever moves a line of core hears of it at once.
import { expect, it } from "vitest";
import { placesOf } from "../scripts/source-mutation.ts";
import { MUTANTS } from "./mutants.ts";

it.each(MUTANTS)("$name: names one place", (mutant) => {
	expect(placesOf(mutant)).toBe(1);
});
