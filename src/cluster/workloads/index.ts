export { heyMain } from "./hey/main.ts";
export { type CatalogImage, imageCatalog } from "./image-catalog.ts";
export { loadtesterMain } from "./loadtester/main.ts";
export { podcliMain } from "./podcli/main.ts";
export { podinfoMain } from "./podinfo/main.ts";
export { LIFELINE_VARIABLE, type Program, runProgram } from "./run-program.ts";
