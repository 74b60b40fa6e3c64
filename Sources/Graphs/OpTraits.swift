/// Where an operation's output may lie in memory.
package enum Placement: Sendable {
    /// In memory of its own.
    case separate
    /// Over an input of the same size that nobody reads afterwards: each output element depends on the input elements
    /// of its own task only, which are read before it is written.
    case overInput
    /// Over one input under the same condition; the other inputs are read while it is written.
    case over(input: Int)
    /// It is the first input under another shape; nothing runs.
    case view
    /// The outputs are the first input cut into parts that lie one behind the other; nothing runs.
    case slices
}

/// What an operation does with the steps of a sequence: the first dimension of an item, of which another item of the
/// batch may have fewer.
package enum StepRule: Sendable {
    /// Nothing in particular: each step, or the whole item, is computed for itself.
    case ignores
    /// It takes the steps of each item, and gives as many.
    case follows
    /// As `follows`, each step from the state in which the one before ended.
    case carries
    /// As `follows`, with what comes after a step as well as what comes before it.
    case surrounds
    /// It takes the steps of each item, and gives one vector.
    case pools
}

/// How an operation stands in the table of a network's layers.
package enum TableRole: Sendable {
    /// In a row of its own.
    case layer
    /// In a row of its own, in which a norm behind it stands too.
    case filters
    /// In a row of its own that ends a module.
    case join
    /// In the row of filters before it, else in its own.
    case norm
    /// In the row before it.
    case function
    /// Nowhere.
    case view
}

/// What becomes of an operation in a network that slides over images larger than its own.
package enum SlidingForm {
    /// It takes an image of any size.
    case same
    /// It only lays the map out for the layer behind it, which slides over the map instead.
    case flattensMap
    /// It only gives a map the size that what is flattened behind it has, unless somebody else reads it.
    case sizesMap
    /// Another operation on the map, with the same trained numbers in the same order; its output has one position for
    /// each of the window.
    case over(any Op)
    /// It sees one position only, and why.
    case impossible(String)
}

/// Numbers of a step that must be tokens: whole numbers from 0 to below `size`, one at `column` in every `columns`.
package struct TokenColumn: Hashable, Sendable {
    package let size: Int
    package let column: Int
    package let columns: Int

    package init(size: Int, column: Int, columns: Int) {
        self.size = size
        self.column = column
        self.columns = columns
    }
}
