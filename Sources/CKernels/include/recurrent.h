#pragma once

// Recurrent layers. Sequences walk through the steps together, so that each pass over the recurrent weights serves all of
// them. The inputs of some steps are multiplied ahead, as one matrix product: of so few that the products are still in the
// cache when their step comes.
//
// Units lie in blocks of 16. A unit's gates follow each other block by block, so that what a pass over the weights of a
// block has summed is all that its units need to finish the step; units beyond the last have zeros for weights and
// stay 0. Each number is one sum in one order, whatever the sequences, the slices and the threads.

#include <stdbool.h>
#include <stddef.h>

/// The kinds of recurrent cell. `kernel_rnn_relu` is a `kernel_rnn` with max(x, 0) for tanh; `kernel_gru_early` applies
/// the reset gate before the recurrent product.
typedef enum { kernel_rnn, kernel_rnn_relu, kernel_lstm, kernel_gru, kernel_gru_early } kernel_cell;

/// Packs rows of a matrix with `columns` columns as [block][column][16]; `rows` has 16 row numbers for each block,
/// SIZE_MAX for a row of zeros.
void kernel_pack_rows(const float *_Nonnull matrix, size_t columns, const size_t *_Nonnull rows, size_t blocks,
                      float *_Nonnull packed);

/// A sequence on its way through one direction of a recurrent layer.
typedef struct {
    size_t steps;
    /// steps × inputs.
    const float *_Nonnull input;
    /// steps × `output_stride`, of which the first `outputs` of each step are written.
    float *_Nonnull output;
    /// The hidden state and, for an LSTM, the cell state behind it: those before the first step, then after the last.
    float *_Nonnull state;
} kernel_sequence;

/// The most sequences that walk together, the most slices that their units are cut into, and the most steps whose inputs
/// are multiplied ahead.
enum { kernel_most_sequences = 32, kernel_most_slices = 16, kernel_most_ahead = 24 };

/// One direction of a recurrent layer over 1 to `kernel_most_sequences` sequences of any lengths.
typedef struct {
    kernel_cell cell;
    bool is_reverse;
    /// Units, and numbers of the hidden state: as many, or fewer where an LSTM projects it.
    size_t units, outputs, inputs;
    /// The input weights, packed: [unit block][gate][inputs][16]; [unit block][gate][16] of every bias that is not under a
    /// reset gate.
    const float *_Nonnull input_weight, *_Nonnull input_bias;
    /// The recurrent weights, packed: [unit block][gate][outputs][16]; the gates of a `kernel_gru_early` are r and z.
    const float *_Nonnull weight;
    /// What is multiplied second, packed: an LSTM's projection (null when there is none), [output block][units][16];
    /// a `kernel_gru_early`'s candidate, [unit block][units][16]. Else null.
    const float *_Nullable second;
    /// The biases of a `kernel_gru` under its reset gate, [unit block][gate][16] with zeros for the others. Else null.
    const float *_Nullable bias;
    size_t output_stride;
    const kernel_sequence *_Nonnull sequences;
    size_t count;
    /// Parts of the units, 1 to `kernel_most_slices`, that are computed at the same time when several threads run it.
    size_t slices;
    /// What the threads share: kernel_recurrent_shared floats on a 64-byte boundary, readied by kernel_recurrent_begin.
    float *_Nonnull shared;
} kernel_recurrence;

/// Blocks that the input products of a unit block have.
size_t kernel_recurrent_gates(kernel_cell cell);

/// Floats that the threads of a walk share, for `count` sequences of at most `steps` steps.
size_t kernel_recurrent_shared(kernel_cell cell, size_t units, size_t outputs, size_t steps, size_t count);

/// Readies the shared memory of a walk, before any thread runs it.
void kernel_recurrent_begin(float *_Nonnull shared);

/// Floats of scratch that a thread needs.
enum { kernel_recurrent_scratch = 4 * 16 * kernel_most_sequences };

/// Walks through all steps together with the other threads that run the same walk, taking `slice` where it can; returns
/// when nothing is left to do. Threads may come late, or never: those that are there do the work.
void kernel_recurrent(const kernel_recurrence *_Nonnull recurrence, size_t slice, float *_Nonnull scratch);
