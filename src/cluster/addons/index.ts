export { type AddonOptions, addonObjects, OPERATOR_IMAGE, OPERATOR_NAMESPACE } from "./addons.ts";
