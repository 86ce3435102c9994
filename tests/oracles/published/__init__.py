"""Computes the vectors of published.npz with what authors and others published, in float64.

    pip install torch jax flax numpy scipy einops packaging
    python -m tests.oracles.published FOLDER [seed]

FOLDER holds a checkout of every project of `projects.PROJECTS`, by the last part of its name. A C++
compiler is needed too, for a CUDA kernel that is run on the CPU.

Nothing of theirs is copied: their modules are loaded from FOLDER and run. What a module imports but
does not need for one cell (TensorFlow, CUDA) is replaced by something that stands in for it. The
weights are drawn by our names, and those of the project are made of them, hence the gradients are
by our names too. Where a project adds two biases, ours is split between them; where it has none,
ours is the weight of an additional input that is always 1.

Some projects begin at zero (`lru`, `odyssey`, `clockwork`). There the sequence has a step, or
several, before ours, and our carry is the state after them. Only those gradients are taken that
this carry has no part in.

Not taken: the LayerNormGRU of haste, which normalizes r, z and n together, and the paper n alone.
"""
