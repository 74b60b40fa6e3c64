// Who makes, plans or runs a network needs what it is made of: one import is enough outside of the engine's own targets.
@_exported public import Graphs
@_exported public import Ops
@_exported public import Tensors
