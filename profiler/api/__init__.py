"""One file a job: its request, its call, its result. What is public here, ``profiler`` exports."""
