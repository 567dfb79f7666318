export { argo, type ArgoSettings, argoSettings } from "./argo.ts";
export { flagger, FLAGGER_DEFAULT, FLAGGER_STRICT, FLAGGER_TUNED, type FlaggerSettings } from "./flagger.ts";
export { addCopies, addSteps, type Judge, type Verdict } from "./judge.ts";
export { kayenta, KAYENTA_50, KAYENTA_FAST, type KayentaSettings } from "./kayenta.ts";
export { zTest } from "./z-test.ts";
