"""Where a detector's regions come from, and what is trained of that."""

from keras import ops

from keras_gans.models.detector import boxes as box
from keras_gans.models.detector import targets


class Proposing:
    """The part of `Detector` that proposes regions; see there."""

    def proposed(self, features, truth):
        """Proposals of a training batch, and the losses of what made them.

        Args:
            features: `Features`.
            truth: `Truth`.

        Returns:
            `(proposals, losses)`: `(batch, num_proposals, 4)`, 0 where there is none,
            without gradients; and a dict.
        """
        if self.proposals == "given":
            return truth.proposals, {}
        if self.proposals == "jitter":
            shape = self.image_shape
            made = targets.jittered(truth, 8, self.rois_per_image, self.seeds, shape)
            return box.clipped(made, shape), {}
        outputs = self.network("rpn", training=True)(features.deep)
        logits, deltas = self._flat(outputs)
        losses = self._rpn_losses(logits, deltas, truth)
        return self._proposals(logits, deltas), losses

    def _flat(self, outputs):
        logits, deltas = outputs
        count = len(self.anchors)
        return ops.reshape(logits, (-1, count)), ops.reshape(deltas, (-1, count, 4))

    def _proposals(self, logits, deltas):
        logits, deltas = ops.stop_gradient(logits), ops.stop_gradient(deltas)
        places = box.clipped(box.decoded(deltas, self.anchors), self.image_shape)
        scores = ops.where(box.has_area(places), ops.sigmoid(logits), -1.0)
        indices, left = box.non_maximum_suppression(
            places, scores, 0.7, self.post_nms, most=self.pre_nms
        )
        places = ops.take_along_axis(places, indices[..., None], axis=1)
        return ops.where(left[..., None] >= 0.0, places, 0.0)

    def _rpn_losses(self, logits, deltas, truth):
        anchors = ops.convert_to_tensor(self.anchors)
        anchors = ops.broadcast_to(anchors, (ops.shape(logits)[0], *anchors.shape))
        positive, negative, index = targets.anchors_positive_and_negative(
            anchors, truth
        )
        noise = self.seeds.uniform((ops.shape(logits)[0], len(self.anchors)))
        total = self.rpn_samples
        rows, weights = targets.balanced(positive, negative, noise, total, total // 2)

        def sampled(values):
            wide = rows if len(values.shape) == 2 else rows[..., None]
            return ops.take_along_axis(values, wide, axis=1)

        wanted = ops.cast(sampled(positive), "float32")
        logits, deltas = sampled(logits), sampled(deltas)
        aim = ops.take_along_axis(truth.boxes, sampled(index)[..., None], axis=1)
        aim = ops.where(wanted[..., None] > 0, box.encoded(aim, sampled(anchors)), 0.0)
        of_boxes = wanted * box.smooth_l1(deltas - aim, beta=1 / 9)
        of_logits = ops.softplus(logits) - wanted * logits
        return {
            "objectness_loss": targets.mean_over_pictures(of_logits, weights),
            "proposal_loss": targets.mean_over_pictures(of_boxes, weights),
        }
