"""Networks outside PyTorch: ONNX files for other programs and engines."""
