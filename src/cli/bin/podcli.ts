import { podcliMain, runProgram } from "#cluster";

await runProgram(podcliMain);
