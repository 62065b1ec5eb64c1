"""Motion to look at: pictures, videos, and a 3D player in a page."""
