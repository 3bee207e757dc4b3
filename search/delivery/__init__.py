"""From a supernet to files for an app: sliced, recalibrated, exported, evaluated, measured."""
