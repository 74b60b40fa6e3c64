"""The training loop of the recipes for photographs: one cycle of the learning rate, bfloat16, averaged weights, checkpoints."""

import time

import numpy as np
import torch

import common


class Trainer:
    """Trains networks on 8-bit images that are normalised by `mean` and `std`."""

    def __init__(self, options, mean, std):
        self.options = options
        self.device = common.seed_everything(options.seed, options.threads)
        self.mean, self.std = (torch.tensor(v, device=self.device).view(1, 3, 1, 1) for v in (mean, std))

    def prepare(self, pixels):
        x = (pixels.to(self.device).float() / 255 - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last)

    def forward(self, model, pixels):
        """Logits, computed in bfloat16 from float32 weights."""
        with torch.autocast(self.device, torch.bfloat16):
            return model(self.prepare(pixels)).float()

    def fit(self, name, model, epochs, steps, rate, decay, batches, loss):
        """Trains `model` by SGD with Nesterov momentum; at the end it has its averaged weights.

        `batches(epoch, generator)` yields `steps` tuples of pixels and what `loss` takes after the logits. With a
        checkpoint, a run that was stopped goes on where its last whole epoch ended.
        """
        model.to(self.device, memory_format=torch.channels_last)
        path = self.options.checkpoint and self.options.checkpoint.with_stem(f"{self.options.checkpoint.stem}-{name}")
        averaged = common.Averaged(model, decay=0.998)
        optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rate, total_steps=epochs * steps, pct_start=0.2, anneal_strategy="linear", final_div_factor=1e3
        )
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        first = 0
        if state := common.load_checkpoint(path):
            first, averaged.state = state["epoch"], state["averaged"]
            for key, part in parts.items():
                part.load_state_dict(state[key])
        for epoch in range(first, epochs):
            start, losses = time.time(), []
            generator = torch.Generator().manual_seed(self.options.seed * 1000 + epoch)
            model.train()
            for pixels, *context in batches(epoch, generator):
                value = loss(self.forward(model, pixels), *context)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()
                averaged.update(model)
                losses.append(value.item())
            print(f"{name}, epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)
            common.save_checkpoint(
                path, epoch=epoch + 1, averaged=averaged.state, **{key: part.state_dict() for key, part in parts.items()}
            )
        model.load_state_dict(averaged.state)
        model.eval()

    @torch.no_grad()
    def logits(self, model, images):
        return torch.cat([self.forward(model, pixels) for pixels in images.split(500)])
