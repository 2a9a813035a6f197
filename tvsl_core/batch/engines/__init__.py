"""Who does the work of a batch: threads, processes, or a Ray cluster.

- ``base``: what annotates the units of a run: in this process, in worker processes, or on other machines;
- ``processes``: the engine with processes: a supervisor hands units to worker processes, and survives whatever
  becomes of them;
- ``ray``: the engine on Ray: the same unit on the machines of a cluster, in actors that keep the model;
- ``supervise``: what a supervisor of workers must know, wherever they run: how one gets on, when to give up, when all
  is lost;
- ``task``: the unit of a batch: one video, from the file to its results or to the one sentence that says why there
  are none;
- ``threads``: the engine without processes: units run in this process, one after another or in threads that share the
  model;
- ``worker``: A worker process: holds a model, annotates one unit after another, and tells its supervisor how it gets
  on.
"""
