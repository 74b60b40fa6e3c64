// Who serves reads and writes JSON: one import is enough above the engine.
@_exported public import JSON
