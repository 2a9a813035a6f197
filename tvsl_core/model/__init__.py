"""Tensors in, tensors out: the model, its networks and its weights.

Rooms: ``weights`` stores and loads, ``compact`` and ``audioclip`` are towers by one interface, ``layers`` is what their
networks share, ``people`` sees faces and bodies.

- ``bench``: how fast AudioCLIP's shipped inference path is beside the plain network, and how close to it;
- ``calibration``: from evidence to a decision: which classes sound, which of them are visible;
- ``evidence``: what pictures and sounds hold of the classes of one vocabulary: the interface, and the values that pass
  through it;
- ``facts``: what a weights file says of its model, read from its head alone;
- ``heads``: everything that is learned: T-VSL's heads over the features of any frozen towers;
- ``heads_file``: trained heads as one safetensors file: the tensors, and in the metadata everything that is needed to
  use them;
- ``joint``: evidence of towers as they are, without trained heads;
- ``learned``: class evidence that has learned: trained heads over frozen towers;
- ``load``: getting a model ready: by name, from a file, on a device, at a precision;
- ``losses``: each training loss as a pure function;
- ``memory``: features of what heads have learned from, replayed when they are taught more;
- ``registry``: towers by name, loaded when somebody asks for them;
- ``threads``: independent pieces of a network's work side by side, each on one thread;
- ``towers``: what a set of towers must be able to do: pictures, sounds and names become vectors in one joint space;
- ``scorer``: the probabilities that a class sounds now, that an event is right, and that its source is in view;
- ``tvsl``: T-VSL over any towers: the name of a class pulls its part out of a mixed picture and a mixed sound.
"""
