import Foundation

/// A manifest as the pipeline writes it, and copies with one thing changed.
enum SampleManifest {
    static let text = """
        {
          "schema_version": 1, "name": "sample", "profile": "full", "a key of a newer pipeline": {"deep": [1, null]},
          "model": {
            "file": "model.tflite", "scheme": "int8", "bytes": 63770,
            "sha256": "46296d091a2cae1518c12fedf618d8937c72e23b248237770811b6bb91aa168a",
            "input": {"name": "image", "shape": [1, 28, 28], "dtype": "uint8", "scale": 1.0, "zero_point": 0},
            "output": {"name": "answer", "shape": [1, 3], "dtype": "int8", "scale": 0.00390625, "zero_point": -128},
            "runtime_floor": "2.14.0", "min_runtime": null,
            "delegates": ["coreml", "metal", "gpu", "nnapi", "xnnpack"],
            "delegate_plan": {
              "gpu": {"precision_loss_allowed": true}, "nnapi": {"min_api_level": 30},
              "metal": {"precision_loss_allowed": false, "quantized_models_allowed": true, "wait": "do_not_wait"},
              "coreml": {"devices": "all", "coreml_version": 3, "max_partitions": null},
              "xnnpack": {"threads": 4}
            }
          },
          "preprocess": {
            "height": 28, "width": 28, "channels": "gray", "invert": true, "crop": "ink", "ink_threshold": 32,
            "fit": 20, "place": "mass", "blur_sigma": 0.5, "scale": 1.0, "offset": 0.0
          },
          "drawing": {"side": 280, "pen": 0.22},
          "postprocess": {"activation": "softmax"},
          "labels": ["zero", "one", "two"],
          "golden": {
            "runtime": "tflite_reference 2.20.0", "image_tolerance": 1, "output_tolerance": 0.125,
            "encoded": ["picture-000", "golden/encoded.png"],
            "cases": [
              {"id": "image-000", "kind": "image", "pixels_shape": [28, 28], "label": 2, "top1": 2},
              {"id": "picture-000", "kind": "picture", "pixels_shape": [90, 80, 3], "label": 0, "top1": 1},
              {"id": "strokes-000", "kind": "strokes", "pixels_shape": [280, 280], "label": null, "top1": 0}
            ]
          }
        }
        """

    static func tree() throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }

    /// The manifest with the value at `model.input.shape.1` replaced, or taken out where it is nil.
    static func with(_ path: String, _ value: Any?) throws -> String {
        let parts = path.split(separator: ".").map(String.init)
        let changed = try JSONSerialization.data(withJSONObject: edited(tree(), parts[...], value))
        return String(decoding: changed, as: UTF8.self)
    }

    /// The manifest with a piece of its text replaced: what no JSON library would write.
    static func replacing(_ old: String, _ new: String) -> String {
        precondition(text.contains(old), "the sample has no \(old)")
        return text.replacingOccurrences(of: old, with: new)
    }

    private static func edited(_ node: Any, _ path: ArraySlice<String>, _ value: Any?) -> Any {
        guard let key = path.first else { return value ?? NSNull() }
        if var fields = node as? [String: Any] {
            if path.count == 1, value == nil {
                precondition(fields[key] != nil, "the sample has no \(key)")
                fields[key] = nil
            } else {
                fields[key] = edited(fields[key] ?? NSNull(), path.dropFirst(), value)
            }
            return fields
        }
        guard var list = node as? [Any], let index = Int(key) else { preconditionFailure("no \(key) in \(node)") }
        list[index] = edited(list[index], path.dropFirst(), value)
        return list
    }
}
