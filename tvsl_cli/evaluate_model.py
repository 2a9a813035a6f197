"""Let a model answer for the samples of a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvsl_cli.evaluate_request import Request
    from tvsl_cli.evaluate_run import Answers
    from tvsl_core.data.predictions import Prediction
    from tvsl_core.data.sample import Benchmark, Sample


def model_answers(request: Request, benchmark: Benchmark) -> Answers:
    """Answers of the model that was asked for, on the benchmark's media.

    Raises: TvslError: The media or the model's weights cannot be found.
    """
    from tvsl_cli.evaluate_run import Answers
    from tvsl_core.data.clips import clip_loader
    from tvsl_core.data.predictions import save_maps
    from tvsl_core.pipeline.predict import load_predictor

    load_clip = clip_loader(benchmark, given=request.media, root=request.data)
    answer = load_predictor(request.model, device=request.device, classes=benchmark.classes)

    def predict(sample: Sample) -> Prediction | None:
        clip = load_clip(sample, answer.sample_rate)
        if clip is None:
            return None
        prediction = answer(clip.frame, clip.waveform, sample.names)
        if request.save_predictions is not None:
            save_maps(request.save_predictions / f"{sample.id}.npz", prediction)
        return prediction

    def frame(sample: Sample) -> object:
        clip = load_clip(sample, answer.sample_rate)
        return None if clip is None else clip.frame

    return Answers(predict=predict, frame=frame)
