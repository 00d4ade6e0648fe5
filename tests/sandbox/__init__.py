"""The sandbox, judged by what the public descriptions of both APIs say."""
