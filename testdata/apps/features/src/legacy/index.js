exports.kind = "CommonJS behind an alias";
exports.__esModule = true;
exports.default = "default";
