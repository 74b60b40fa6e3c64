/// The tensors of a network in what a checkpoint holds: a state dict, or a dictionary that has one among the epoch, the
/// optimizer's state and other things of the training.
struct StateDictionary {
    typealias Problem = TensorFileError.Problem
    typealias NamedTensor = (name: String, view: TensorView)

    private let root: PickleValue
    private let heap: PickleHeap

    init(_ root: PickleValue, in heap: PickleHeap) {
        self.root = root
        self.heap = heap
    }

    /// The tensors of the network.
    ///
    /// - Parameter key: under which it is, with dots between the keys of dictionaries in dictionaries; nil to find it.
    /// - Returns: them with their names.
    /// - Throws: `Problem` where there is none, and where there are several and nobody has said which.
    func tensors(named key: String?) throws(Problem) -> [NamedTensor] {
        guard let members = heap.members(root) else {
            throw .refused(
                "it holds no state dict but something else: save torch.save(model.state_dict(), …)"
            )
        }
        let nested = members.map { (name: $0.name, tensors: tensors(of: $0.value)) }.filter {
            !$0.tensors.isEmpty
        }
        if let key { return try named(key, known: nested.map(\.name)) }
        let own = tensors(of: root)
        // A state dict may have a few tensors in a dictionary of its own, and a checkpoint a few beside its networks.
        if own.count >= nested.map(\.tensors.count).max() ?? 0 {
            guard !own.isEmpty else { throw .refused("it holds no tensors under names") }
            return own
        }
        guard nested.count > 1 else { return nested[0].tensors }
        let names = nested.map { quoted($0.name) }
        let advice = "\"checkpoint\": \"\(nested[0].name)\""
        throw .refused(
            "it holds several networks, \(names.joined(separator: ", ")): say which in model.json: \(advice)"
        )
    }

    private func named(_ key: String, known: [String]) throws(Problem) -> [NamedTensor] {
        var value = root
        // A key may have a dot in it.
        if let member = member(key, of: root) {
            value = member
        } else {
            for part in key.split(separator: ".") {
                guard let next = member(String(part), of: value) else {
                    let found =
                        known.isEmpty ? "nothing of the kind" : known.map(quoted).joined(separator: ", ")
                    throw .refused("it has no \(quoted(key)) as 'checkpoint' says, but \(found)")
                }
                value = next
            }
        }
        let tensors = tensors(of: value)
        guard !tensors.isEmpty else { throw .refused("its \(quoted(key)) holds no tensors under names") }
        return tensors
    }

    private func member(_ name: String, of value: PickleValue) -> PickleValue? {
        heap.members(value)?.first { $0.name == name }?.value
    }

    /// The tensors that a dictionary has under names; what else it has is no weight.
    private func tensors(of value: PickleValue) -> [NamedTensor] {
        (heap.members(value) ?? []).compactMap { member in
            guard case .tensor(let index) = member.value else { return nil }
            return (member.name, heap.tensors[index])
        }
    }
}
